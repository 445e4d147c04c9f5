"""What operators ask to see: who owns the shards, and how one entry went.

Nothing is written down for it: the answers are in the tables, and in what nodes hold anyway.
"""

from typing import NamedTuple

MOST_MEMBERS = 500
"""Members of a conversation whose cursors a trace tells, those whose names come first."""


class ShardRow(NamedTuple):
    """A shard, the incarnation of the worker that claimed it last, and under which epoch."""

    shard: int
    owner: str
    epoch: int


class FindShards(NamedTuple):
    """Query, to the owner of the shard of `conversation`: who owns which? Result `ShardsFound`."""

    conversation: str


class ShardsFound(NamedTuple):
    """What the table says; nothing where one process owns all.

    `shard` is the one whose owner answers, owned since `since_ms`, Unix ms by its clock; -1: by nobody.
    """

    rows: tuple[ShardRow, ...]
    shard: int = -1
    since_ms: int = 0


class TraceEntry(NamedTuple):
    """Query: an entry by its conversation and seq. Result `TracedEntry`.

    Without a conversation it is the last that `user` sent under a client id.
    """

    conversation: str
    seq: int
    user: str = ""
    client_msg_id: bytes = b""


class MemberCursors(NamedTuple):
    """How far a member's devices acknowledged, and how far the member has read."""

    user: str
    delivered_seq: int
    read_seq: int


class TracedEntry(NamedTuple):
    """Where an entry is, and how far the first of those are who were members when it came, `total` in number.

    `is_waiting`: a batch of the conversation, perhaps another one, is not announced yet.
    """

    conversation: str
    seq: int
    kind: int
    sender: str
    client_msg_id: bytes
    time_ms: int
    is_waiting: bool
    total: int
    members: tuple[MemberCursors, ...]


class FindFlights(NamedTuple):
    """Asked of a node: how far is an entry on its way to its sessions of `users`?"""

    conversation: str
    seq: int
    users: tuple[str, ...]


class Flight(NamedTuple):
    """A session, connected since `since_ms`, Unix ms.

    `resends`: how often the entry, which it has not acknowledged, was written again; -1: it is not in flight.
    `is_dropped`: a delivery of the conversation was dropped, and the session is yet to be told to pull.
    """

    session: str
    user: str
    device: str
    device_class: str
    since_ms: int
    resends: int
    is_dropped: bool


class FlightsFound(NamedTuple):
    """The sessions of a node; with `more` there are more of them."""

    flights: tuple[Flight, ...]
    more: bool
