"""`imctl call`."""

import base64
import binascii
import json
from argparse import Namespace
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from im.cli.failures import Failure, failed, timed_out, usage
from im.cli.online import online
from im.cli.output import Json, Output
from im.cli.reactor import run as run_on_reactor
from im.client.core.events import AppBody
from im.proto.base_pb2 import Ok
from im.tap.handlers import installed_handlers
from im.tap.node import StartError
from im.wire.types import FIRST_CUSTOM_TYPE, OK

Bodies = dict[int, type[Message]]


def run(arguments: Namespace, output: Output) -> None:
    """Send one request of an app's type, and show what answers it."""
    if arguments.type < FIRST_CUSTOM_TYPE:
        raise usage(f"TYPE must be {FIRST_CUSTOM_TYPE} or above; the others are the system's")
    bodies = known_bodies()
    data = raw_body(arguments.body) if arguments.raw else json_body(arguments.body, arguments.type, bodies)
    asked = AppBody(arguments.type, data, arguments.conversation)
    answer = run_on_reactor(lambda reactor: call(reactor, arguments, asked), output.note)
    record = shown_answer(answer, bodies)
    output.record(record, "ok" if answer.type == OK else json.dumps(record, ensure_ascii=False))


async def call(reactor: Any, arguments: Namespace, asked: AppBody) -> AppBody:
    """Ask, and wait for the answer. Raises `Failure`."""
    until = reactor.seconds() + arguments.timeout
    async with online(reactor, arguments, "bot") as session:
        await session.until_online(arguments.timeout)
        answer = session.client.call(*asked)
        late = timed_out(f"no answer within {arguments.timeout:g} s: it may be done or not")
        return await session.wait(answer, max(until - reactor.seconds(), 0.1), late)


def known_bodies() -> Bodies:
    """The bodies of the types that installed packages own. Raises `Failure` if those cannot be used."""
    try:
        handlers = installed_handlers()
    except StartError as error:
        raise failed(str(error)) from error
    return {OK: Ok} | {number: body for each in handlers for number, body in each.types()}


def json_body(text: str, number: int, bodies: Bodies) -> bytes:
    """A body from its JSON form. Raises `Failure`."""
    body = bodies.get(number)
    if body is None:
        raise usage(f"no installed package owns type {number}; give the body with --raw, in hex or base64")
    try:
        return json_format.Parse(text, body()).SerializeToString()
    except json_format.ParseError as error:
        raise usage(f"BODY is no {body.DESCRIPTOR.name} in JSON: {' '.join(str(error).split())}") from error


def raw_body(text: str) -> bytes:
    """A body from hex, or else from base64. Raises `Failure`."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_bytes() from error


def shown_answer(answer: AppBody, bodies: Bodies) -> dict[str, Json]:
    """An answer for programs: its `body` where its type is known, else `raw`, in hex."""
    body = bodies.get(answer.type)
    if body is not None:
        try:
            parsed = body.FromString(answer.body)
        except DecodeError:
            return {"type": answer.type, "raw": answer.body.hex()}
        fields = json_format.MessageToDict(parsed, preserving_proto_field_name=True)
        return {"type": answer.type, "name": body.DESCRIPTOR.name, "body": fields}
    return {"type": answer.type, "raw": answer.body.hex()}


def _no_bytes() -> Failure:
    return usage("BODY is neither hex nor base64")
