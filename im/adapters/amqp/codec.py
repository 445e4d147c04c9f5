"""Commands, results and batches as bytes between processes: msgpack, each value behind its class's name.

The name of a class and the order of its fields are this wire: fields are only added at the end, with a
default. A batch of 50 sends costs 2 µs a message on either side.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from im.core.commands import Command, Request, Result
from im.ports import Delivery, Eviction, NodeBatch, Signal


class UnreadableError(Exception):
    """Bytes that nobody of this program's version wrote."""


class Submission(NamedTuple):
    """Requests of one process. `reply_to` is the address of its queue."""

    reply_to: str
    requests: Sequence[Request]


class Hop(NamedTuple):
    """What a worker sends to a node: a numbered batch, or a beat (None) with the last number.

    `epoch` is the registry's that its look-ups used; `number` 0 with a batch: not numbered.
    """

    worker: str
    epoch: str
    number: int
    batch: NodeBatch | None
    is_end: bool = False


COMMANDS: dict[str, type[Any]] = {each.__name__: each for each in get_args(Command)}
RESULTS: dict[str, type[Any]] = {each.__name__: each for each in get_args(Result)}


class _Form:
    """How the values of one class are written and read.

    A field that may hold one of several classes is a pair: the name of the class, and the value.
    """

    def __init__(self, kind: type[Any]) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        self._choices: dict[int, dict[str, type[Any]]] = {}
        for number, name in enumerate(kind._fields):
            classes = {each.__name__: each for each in get_args(hints[name]) if hasattr(each, "_fields")}
            if len(classes) > 1:
                self._choices[number] = classes
                hints[name] = tuple[str, msgspec.Raw]
        self._decoder = msgspec.msgpack.Decoder(
            NamedTuple(kind.__name__, list(hints.items())) if self._choices else kind
        )

    def written(self, value: Any) -> Any:
        """What is packed of a value."""
        if not self._choices:
            return value
        fields = list(value)
        for number in self._choices:
            fields[number] = (type(fields[number]).__name__, fields[number])
        return fields

    def read(self, raw: msgspec.Raw) -> Any:
        """The value from its bytes."""
        value = self._decoder.decode(raw)
        if not self._choices:
            return value
        fields = list(value)
        for number, classes in self._choices.items():
            name, packed = fields[number]
            fields[number] = msgspec.msgpack.decode(packed, type=classes[name])
        return self._kind._make(fields)


_FORMS = {name: _Form(kind) for name, kind in (COMMANDS | RESULTS).items()}

_Asked = tuple[int, str, str, msgspec.Raw]
_Answered = tuple[int, str, msgspec.Raw]
_Batch = tuple[list[_Answered], list[Delivery], list[Signal], list[Eviction], list[str]]
_submission = msgspec.msgpack.Decoder(tuple[str, list[_Asked]])
_hop = msgspec.msgpack.Decoder(tuple[str, str, int, _Batch | None, bool])
_pack = msgspec.msgpack.Encoder().encode


def pack_submission(submission: Submission) -> bytes:
    """The bytes of requests."""
    asked = []
    for _, number, session, command in submission.requests:
        name = type(command).__name__
        asked.append((number, session, name, _FORMS[name].written(command)))
    return _pack((submission.reply_to, asked))


def unpack_submission(body: bytes) -> Submission:
    """Requests from bytes. Raises `UnreadableError`."""
    try:
        reply_to, asked = _submission.decode(body)
        return Submission(
            reply_to,
            [
                Request(reply_to, number, session, _FORMS[name].read(raw))
                for number, session, name, raw in asked
            ],
        )
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
        raise UnreadableError(f"no requests: {error}") from error


def pack_hop(hop: Hop) -> bytes:
    """The bytes of a batch for a node, or of a beat."""
    batch = None
    if hop.batch is not None:
        results = []
        for number, result in hop.batch.results:
            name = type(result).__name__
            results.append((number, name, _FORMS[name].written(result)))
        batch = (results, *hop.batch[1:])
    return _pack((hop.worker, hop.epoch, hop.number, batch, hop.is_end))


def unpack_hop(body: bytes) -> Hop:
    """A batch or a beat from bytes. Raises `UnreadableError`."""
    try:
        worker, epoch, number, read, is_end = _hop.decode(body)
        batch = None
        if read is not None:
            results = [(asked, _FORMS[name].read(raw)) for asked, name, raw in read[0]]
            batch = NodeBatch(results, *read[1:])
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
        raise UnreadableError(f"no batch: {error}") from error
    return Hop(worker, epoch, number, batch, is_end)
