"""Types of apps: what their handlers ask of the store, and what it answers."""

from typing import NamedTuple

from im.core.messages import Sent

ENVELOPE_BYTES = 1_024
"""What an envelope takes beside its body, at most."""

KEY_BYTES = 16


class Custom(NamedTuple):
    """A request of a type of 10,000 and above, its body unopened. Result `CustomReply`.

    `conversation` is where it belongs, "" if nowhere. `key`, `KEY_BYTES` long, stays the same at every
    repetition of the request. `id` is the number that the client gave it, for logs.
    """

    conversation: str
    user: str
    device: str
    type: int
    id: int
    key: bytes
    body: bytes


class CustomReply(NamedTuple):
    """What answers a `Custom`: a type with its body; type 0: it is done, and there is nothing to say."""

    type: int
    body: bytes


class GetRecord(NamedTuple):
    """Query: what a handler stored under a key. Result `Record`."""

    handler: str
    key: str


class Record(NamedTuple):
    """`value` is None, and `version` 0, where nothing is stored. A version never comes again."""

    key: str
    value: bytes | None
    version: int


class GetReply(NamedTuple):
    """Query: how was a user's request answered before? Result `CustomReply`, or `not_found`."""

    handler: str
    user: str
    key: bytes


class Post(NamedTuple):
    """A message that a handler stores. `sender` "" is the app itself; its kinds of 100 and up never count."""

    conversation: str
    sender: str
    client_msg_id: bytes
    kind: int
    content: bytes


class Conclude(NamedTuple):
    """Write: what a handler decided on a user's request, all of it or nothing. Result `Concluded` or `Stale`.

    `read` are the records that it decided on, by key with their versions; `changes` are the new values, None
    removes. The same handler, user and key again is answered as the first time, and nothing is stored.
    """

    handler: str
    user: str
    key: bytes
    read: tuple[tuple[str, int], ...]
    changes: tuple[tuple[str, bytes | None], ...]
    posts: tuple[Post, ...]
    reply: CustomReply


class Concluded(NamedTuple):
    """`sent` are aligned with the posts; empty if it is a `duplicate`, with the first reply."""

    reply: CustomReply
    sent: tuple[Sent, ...]
    duplicate: bool


class Stale(NamedTuple):
    """Nothing was stored: a record that was read has changed since."""

    key: str
