"""What the registry keeps in Redis, and how. It may lose everything at any time.

All keys begin with the cluster's prefix.

| key | type | holds |
|---|---|---|
| `layout` | string | the version of this table |
| `registry:epoch` | string | random; made anew by the first node that establishes itself after a flush |
| `nodes` | set | names of nodes that have a lease, or had one a moment ago |
| `node:NODE` | hash, expires | the lease: `generation`, `op` (number of its last write), `about` (JSON) |
| `workers` | sorted set | incarnations of workers, by the Unix ms of Redis at which they end unless renewed |
| `sweep` | string, expires | that one of the workers has swept lately |
| `user:USER` | string | the user's sessions, packed: 105 bytes a session, 133 in a hash |
| `audience:ID` | set | `NODE~GENERATION` of the nodes that hold a member online |

A session is packed as `NODE~GENERATION~FENCE~SESSION~DEVICE~CLASS`, several are separated by a space;
neither may stand in an id. One whose node has no lease of that generation doesn't count.
"""

from collections.abc import Iterable

from im.ports import ADDRESS_SEPARATOR, Session, UnavailableError

VERSION = "1"
SEPARATOR = ADDRESS_SEPARATOR


class Keys:
    """The keys of one cluster."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}:"
        self.layout = self._prefix + "layout"
        self.epoch = self._prefix + "registry:epoch"
        self.nodes = self._prefix + "nodes"
        self.workers = self._prefix + "workers"
        self.sweep = self._prefix + "sweep"
        self.all_users = self._prefix + "user:*"
        self.all_audiences = self._prefix + "audience:*"
        self.lease_prefix = self._prefix + "node:"

    def lease(self, node: str) -> str:
        """Of a node."""
        return self.lease_prefix + node

    def user(self, user: str) -> str:
        """Of a user's sessions."""
        return f"{self._prefix}user:{user}"

    def user_of(self, key: str) -> str:
        """Whose sessions a key holds."""
        return key.removeprefix(f"{self._prefix}user:")

    def audience(self, audience: str) -> str:
        """Of an audience."""
        return f"{self._prefix}audience:{audience}"


def check_layout(keys: Keys, found: bytes) -> None:
    """Raises `UnavailableError` if what Redis holds is of another layout than ours; b"" is of none."""
    version = found.decode()
    if version not in ("", VERSION):
        raise UnavailableError(
            f"the keys {keys.layout} in Redis are of layout {version}, and this program's is {VERSION}:"
            " give this cluster another name, or remove the old keys"
        )


def address(node: str, generation: str) -> str:
    """What the bus knows a node's generation by."""
    return f"{node}{SEPARATOR}{generation}"


def packed(session: Session) -> str:
    """A session as it is kept."""
    where = (session.node, session.generation, str(session.fence))
    return SEPARATOR.join((*where, session.id, session.device, session.device_class))


def unpacked(user: str, value: bytes | None) -> list[Session]:
    """The sessions of a user as they are kept."""
    return [] if not value else [_session(user, each) for each in value.decode().split(" ")]


def _session(user: str, value: str) -> Session:
    node, generation, fence, session, device, device_class = value.split(SEPARATOR)
    return Session(session, user, device, device_class, node, generation, int(fence))


def addresses(value: bytes) -> Iterable[str]:
    """Where a user's sessions are, as they are kept; each address once a session."""
    for each in value.decode().split(" "):
        node, generation, _ = each.split(SEPARATOR, 2)
        yield address(node, generation)
