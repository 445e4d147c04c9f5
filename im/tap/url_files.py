"""URLs of engines that stand in a file, so that a password stands nowhere else."""

from pathlib import Path

_FILE = "file:"


def url_of(text: str) -> str:
    """A URL as it stands, or of `file:PATH` what that file holds. Raises OSError."""
    if not text.startswith(_FILE):
        return text
    return Path(text.removeprefix(_FILE)).expanduser().read_text("utf-8").strip()
