"""Commands, results and batches as bytes between processes: msgpack, each value behind its class's name.

The name of a class and the order of its fields are this wire: fields are only added at the end, with a
default. Then a program takes an older one's bytes, and leaves out what a newer one's have beside. A batch
of 50 sends costs 2 µs a message on either side.
"""

from collections import namedtuple
from collections.abc import Sequence
from typing import Any, NamedTuple, cast, get_args, get_type_hints

import msgspec

from im.adapters.amqp.fitting import FittingDecoder
from im.core.commands import Command, Request, Result
from im.ports import NodeBatch


class UnreadableError(Exception):
    """Bytes that nobody of this program's version wrote."""


class Submission(NamedTuple):
    """Requests of one process. `reply_to` is the address of its queue.

    `strangers` are those whose command this program doesn't know, with its name for a command.
    """

    reply_to: str
    requests: Sequence[Request]
    strangers: Sequence[Request] = ()


class Hop(NamedTuple):
    """What a worker sends to a node: a numbered batch, or a beat (None) with the last number.

    `epoch` is the registry's that its look-ups used; `number` 0 with a batch: not numbered.
    """

    worker: str
    epoch: str
    number: int
    batch: NodeBatch | None
    is_end: bool = False


_STRANGE = (msgspec.MsgspecError, KeyError, UnicodeDecodeError, TypeError, RecursionError)

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
        self._decoder: FittingDecoder[Any] = FittingDecoder(_like(kind, hints) if self._choices else kind)
        self._decoders = {
            number: {name: FittingDecoder[Any](each) for name, each in classes.items()}
            for number, classes in self._choices.items()
        }

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
        for number, decoders in self._decoders.items():
            name, packed = fields[number]
            fields[number] = decoders[name].decode(packed)
        return self._kind._make(fields)


def _like(kind: type[Any], hints: dict[str, Any]) -> type[Any]:
    """A class with the same fields, of other types."""
    like: type[Any] = namedtuple(kind.__name__, kind._fields, defaults=kind._field_defaults.values())  # type: ignore[misc]
    like.__annotations__ = hints
    return like


_COMMANDS = {name: _Form(kind) for name, kind in COMMANDS.items()}
_RESULTS = {name: _Form(kind) for name, kind in RESULTS.items()}

_Asked = tuple[int, str, str, msgspec.Raw]
_Answered = tuple[int, str, msgspec.Raw]
_Batch = _like(NodeBatch, {**get_type_hints(NodeBatch), "results": list[_Answered]})
_Hop = _like(Hop, {**get_type_hints(Hop), "batch": _Batch | None})
_submission: FittingDecoder[tuple[str, list[_Asked]]] = FittingDecoder(tuple[str, list[_Asked]])
_hop: FittingDecoder[Any] = FittingDecoder(_Hop)
_pack = msgspec.msgpack.Encoder().encode


def pack_submission(submission: Submission) -> bytes:
    """The bytes of requests."""
    asked = []
    for _, number, session, command in submission.requests:
        name = type(command).__name__
        asked.append((number, session, name, _COMMANDS[name].written(command)))
    return _pack((submission.reply_to, asked))


def unpack_submission(body: bytes) -> Submission:
    """Requests from bytes. Raises `UnreadableError`."""
    requests: list[Request] = []
    strangers: list[Request] = []
    try:
        reply_to, asked = _submission.decode(body)
        for number, session, name, raw in asked:
            form = _COMMANDS.get(name)
            if form is None:
                strangers.append(Request(reply_to, number, session, cast(Command, name)))
            else:
                requests.append(Request(reply_to, number, session, form.read(raw)))
    except _STRANGE as error:
        raise UnreadableError(f"no requests: {error}") from error
    return Submission(reply_to, requests, strangers)


def pack_hop(hop: Hop) -> bytes:
    """The bytes of a batch for a node, or of a beat."""
    batch = None
    if hop.batch is not None:
        results = []
        for number, result in hop.batch.results:
            name = type(result).__name__
            results.append((number, name, _RESULTS[name].written(result)))
        batch = (results, *hop.batch[1:])
    return _pack((hop.worker, hop.epoch, hop.number, batch, hop.is_end))


def unpack_hop(body: bytes) -> Hop:
    """A batch or a beat from bytes. Raises `UnreadableError`."""
    try:
        worker, epoch, number, read, is_end = _hop.decode(body)
        batch = None
        if read is not None:
            results = [(asked, _RESULTS[name].read(raw)) for asked, name, raw in read[0]]
            batch = NodeBatch(results, *read[1:])
    except _STRANGE as error:
        raise UnreadableError(f"no batch: {error}") from error
    return Hop(worker, epoch, number, batch, is_end)
