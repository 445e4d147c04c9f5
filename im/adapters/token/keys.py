"""The file of signing keys: several, so that they can be replaced while old tokens still count.

JSON, `{"active": "k1", "keys": {"k1": "<base64 of at least 32 bytes>"}}`, mode 0600. New tokens are
signed with the active key; each listed key checks the tokens that name it.
"""

import base64
import binascii
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

MIN_KEY_BYTES = 32
_MAX_FILE_BYTES = 65_536


class KeyRing(NamedTuple):
    """Signing keys by their id; `active` signs."""

    active: str
    keys: dict[str, bytes]


def load_keys(path: Path) -> KeyRing:
    """Read a key file. Raises `ValueError` with one sentence that never shows a key."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"the key file {path} cannot be read: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise ValueError(f"the key file {path} can be read by others; run: chmod 600 {path}")
    if len(content) > _MAX_FILE_BYTES:
        raise ValueError(f"the key file {path} is larger than {_MAX_FILE_BYTES} bytes")
    return _parse(content, path)


def create_key_file(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> KeyRing:
    """Make a key file with one new key. Raises `FileExistsError` rather than replace one."""
    ring = KeyRing("k1", {"k1": random_bytes(MIN_KEY_BYTES)})
    _write_new(path, ring)
    return ring


def rotate_key_file(path: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> KeyRing:
    """Add a new key and make it the active one; the old ones go on checking. Replaces the file at once."""
    old = load_keys(path)
    number = len(old.keys) + 1
    while f"k{number}" in old.keys:
        number += 1
    ring = KeyRing(f"k{number}", {**old.keys, f"k{number}": random_bytes(MIN_KEY_BYTES)})
    _replace(path, ring)
    return ring


def retire_key(path: Path, kid: str) -> KeyRing:
    """Take a key out, so that its tokens no longer count. Replaces the file at once.

    Raises `ValueError` for the active key, and for one that isn't there.
    """
    old = load_keys(path)
    if kid not in old.keys:
        raise ValueError(f"there is no key {kid!r} in {path}; it holds {', '.join(sorted(old.keys))}")
    if kid == old.active:
        raise ValueError(f"the key {kid!r} signs new tokens; rotate first, then retire it")
    ring = KeyRing(old.active, {name: key for name, key in old.keys.items() if name != kid})
    _replace(path, ring)
    return ring


def _replace(path: Path, ring: KeyRing) -> None:
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    _write_new(beside, ring)
    beside.replace(path)


def _write_new(path: Path, ring: KeyRing) -> None:
    keys = {kid: base64.b64encode(key).decode() for kid, key in ring.keys.items()}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(json.dumps({"active": ring.active, "keys": keys}, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _parse(content: bytes, path: Path) -> KeyRing:
    try:
        document = json.loads(content)
        active, encoded = str(document["active"]), document["keys"]
        keys = {kid: base64.b64decode(text, validate=True) for kid, text in encoded.items()}
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
        raise ValueError(
            f'the key file {path} must hold {{"active": KID, "keys": {{KID: BASE64}}}}'
        ) from error
    if active not in keys:
        raise ValueError(f"the key file {path} has no key for its active id")
    for kid, key in keys.items():
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the key {kid!r} in {path} is shorter than {MIN_KEY_BYTES} bytes")
    return KeyRing(active, keys)
