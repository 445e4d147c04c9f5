"""One process a database: an exclusive lock beside the file, and no file systems that break locks."""

import fcntl
import os
from pathlib import Path

from im.adapters.sql.schema import UnusableDatabaseError

_NETWORK = frozenset(
    "afs ceph cifs fuse.ceph fuse.glusterfs fuse.s3fs fuse.sshfs gfs2 glusterfs lustre nfs nfs4"
    " ocfs2 smb3 smbfs".split()
)


def network_file_system(path: Path, mounts: str) -> str:
    """The type of the network file system that holds `path`, by the text of /proc/mounts; "" if none."""
    place = path.resolve()
    best, best_type = Path(), ""
    for line in mounts.splitlines():
        _, raw_point, kind, *_ = line.split(" ")
        point = Path(raw_point.encode().decode("unicode_escape"))
        if place.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, best_type = point, kind
    return best_type if best_type in _NETWORK else ""


class FileLock:
    """An exclusive lock for a database file, held by a file beside it that names the process."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}.lock")
        self._descriptor = -1

    def acquire(self) -> None:
        """Take the lock, or raise `UnusableDatabaseError` that names who holds it."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnusableDatabaseError(
                f"{self._path} can't be written ({error.strerror}): make its folder, or make it writable"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode().strip()
            os.close(descriptor)
            raise UnusableDatabaseError(
                f"{self._database} is in use by process {holder or 'unknown'}: stop that one first"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock up. Idempotent. The file stays: removing it could take another's lock away."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
