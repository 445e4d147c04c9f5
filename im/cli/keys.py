"""Tokens made with the local node's key: who can read it can be anyone."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from im.adapters.token.keys import KeyRing, load_keys
from im.cli.failures import failed

KEY_FILE = "keys.json"
DAY_SECONDS = 86_400.0


def key_file(folder: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the keys of the node of this state folder are."""
    chosen = environ.get("IM_SIGNING_KEY_FILE")
    return Path(chosen) if chosen else folder / KEY_FILE


def local_keys(folder: Path) -> KeyRing:
    """The keys. Raises `Failure` if there are none that can be used."""
    path = key_file(folder)
    if not path.exists():
        raise failed(f"there is no key file {path}; scripts/run --state-dir {folder} makes one")
    try:
        return load_keys(path)
    except ValueError as error:
        raise failed(str(error)) from error


def local_token(folder: Path, user: str, seconds: float, is_admin: bool = False) -> str:
    """A token for a user. Raises `Failure` for a bad user id or without a usable key."""
    from im.adapters.token.signed import ADMIN_SCOPE, USER_SCOPE, SignedTokens

    scopes = {USER_SCOPE, ADMIN_SCOPE} if is_admin else {USER_SCOPE}
    tokens = SignedTokens(local_keys(folder), time.time, skew=0.0)
    try:
        return tokens.mint(user, seconds, scopes)
    except ValueError as error:
        raise failed(str(error), "invalid_argument") from error
