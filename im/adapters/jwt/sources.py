"""Where public keys come from, and those of a file."""

from pathlib import Path
from typing import Protocol

from twisted.internet.defer import Deferred, succeed

from im.adapters.jwt.public_keys import MAX_BYTES, PublicKeys, parse_keys


class KeySource(Protocol):
    """The keys of one signer, which may change."""

    def keys(self) -> PublicKeys | None:
        """Those that count now; None if none do."""

    def look_again(self) -> "Deferred[bool]":
        """Read again, unless that was just done; fires with whether the keys are as they are there now.

        Fires within some seconds. Never fails.
        """

    def problem(self) -> str:
        """Why there are no keys, in a sentence for operators; "" when there are."""

    def start(self) -> None:
        """Begin to read."""

    def stop(self) -> None:
        """Read no more."""

    def reload(self) -> None:
        """Read again, as SIGHUP asks. Raises `ValueError` for what cannot be used; the keys stay."""


class FileKeys:
    """The keys of a file. Raises `ValueError` with one sentence if it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = self._read()

    def keys(self) -> PublicKeys:
        """See `KeySource`."""
        return self._keys

    def look_again(self) -> "Deferred[bool]":
        """See `KeySource`; a file is read again at SIGHUP only."""
        return succeed(True)

    def problem(self) -> str:
        """See `KeySource`."""
        return ""

    def start(self) -> None:
        """See `KeySource`."""

    def stop(self) -> None:
        """See `KeySource`."""

    def reload(self) -> None:
        """See `KeySource`."""
        self._keys = self._read()

    def _read(self) -> PublicKeys:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ValueError(f"the key file {self._path} cannot be read: {error.strerror}") from error
        try:
            return parse_keys(content)
        except ValueError as error:
            raise ValueError(f"the key file {self._path} {error}") from None
