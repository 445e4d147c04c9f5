"""`imctl send`."""

from argparse import Namespace
from typing import Any

from im.cli.conversations import conversation_with
from im.cli.failures import Failure, Status, unreachable, usage
from im.cli.online import online
from im.cli.output import Json, Output
from im.cli.reactor import run as run_on_reactor
from im.client.core.events import Sent


def run(arguments: Namespace, output: Output) -> None:
    """Send one message, and show where and when it was stored."""
    try:
        arguments.text.encode()
    except UnicodeEncodeError as error:
        raise usage("TEXT is not valid UTF-8") from error
    conversation = conversation_with(arguments.user, arguments.to)
    sent = run_on_reactor(lambda reactor: send(reactor, arguments, conversation), output.note)
    record: dict[str, Json] = {
        "conversation": sent.conversation,
        "seq": sent.seq,
        "server_time_ms": sent.server_time_ms,
        "client_msg_id": sent.client_msg_id.hex(),
    }
    output.record(record, f"sent as {sent.seq} of {sent.conversation}")


async def send(reactor: Any, arguments: Namespace, conversation: str) -> Sent:
    """Send, and wait for the answer. Raises `Failure`."""
    until = reactor.seconds() + arguments.timeout
    async with online(reactor, arguments, "bot") as session:
        try:
            await session.until_online(arguments.timeout)
        except Failure as failure:
            if failure.status is not Status.UNREACHABLE:
                raise
            raise unreachable(f"{failure.text}; nothing was sent") from failure
        sending = session.client.send(conversation, arguments.text)
        return await session.wait(sending, max(until - reactor.seconds(), 0.1), _unknown(arguments))


def _unknown(arguments: Namespace) -> Failure:
    return Failure(
        Status.UNREACHABLE,
        "unknown",
        f"no answer within {arguments.timeout:g} s: it may be stored or not; it is kept, and the next "
        f"imctl command of {arguments.user} that connects sends it under the same id, so it arrives once",
    )
