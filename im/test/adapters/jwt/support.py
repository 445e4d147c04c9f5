"""What tests of keys share."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase


def file_of(case: SynchronousTestCase | TestCase, content: bytes) -> Path:
    """A file with this content, of this test."""
    path = Path(case.mktemp())
    path.write_bytes(content)
    return path
