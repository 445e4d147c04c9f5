"""What a worker committed and perhaps told nobody: whoever finds it makes all concerned look.

The rows name conversations only. Of a direct one and an inbox the users follow from the id; the nodes
that hold a group read its members anew, and tell them.
"""

from collections.abc import Sequence

from im.business.announcement import Announcement
from im.core.ids import users_by_id
from im.ports import UNKNOWN_MEMBERS, Delivery, Signal
from im.proto.sync_pb2 import Resync
from im.wire import codec


def to_look(conversations: Sequence[str], batch: object = None) -> Announcement:
    """Have everyone look who is in any of these conversations."""
    frames = {name: codec.pack(Resync(conversations=[name])) for name in conversations}
    signals = [Signal(named, frames[name], "") for name in conversations if (named := users_by_id(name))]
    groups = [name for name in conversations if not users_by_id(name)]
    deliveries = [Delivery((), name, 0, frames[name], "", UNKNOWN_MEMBERS) for name in groups]
    users = frozenset(user for signal in signals for user in signal.users)
    return Announcement({}, deliveries, signals, users, frozenset(groups), batch)
