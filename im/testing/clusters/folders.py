"""Folders for clusters of tests."""

import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase


def cluster_folder(case: SynchronousTestCase) -> Path:
    """A folder that the database's own user passes through; gone when the test ends."""
    folder = Path(tempfile.mkdtemp(prefix="im-cluster-", dir="/tmp"))
    folder.chmod(0o755)
    case.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder
