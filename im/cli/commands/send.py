"""`imctl send`."""

from argparse import Namespace
from typing import Any

from twisted.internet.defer import Deferred

from im.cli.conversations import conversation_of
from im.cli.failures import Failure, Status, unreachable, usage
from im.cli.online import online
from im.cli.output import Json, Output
from im.cli.reactor import run as run_on_reactor
from im.client.client import Client
from im.client.core.events import Sent


def run(arguments: Namespace, output: Output) -> None:
    """Send one message, and show where and when it was stored."""
    try:
        arguments.text.encode()
    except UnicodeEncodeError as error:
        raise usage("TEXT is not valid UTF-8") from error
    conversation = conversation_of(arguments)
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
        sending = _sending(session.client, arguments, conversation)
        return await session.wait(sending, max(until - reactor.seconds(), 0.1), _unknown(arguments))


def _sending(client: Client, arguments: Namespace, conversation: str) -> Deferred[Sent]:
    """A plain text, unless it answers or mentions."""
    rich = (arguments.reply_to, arguments.mention, arguments.mention_everyone)
    if rich == (0, [], False):
        return client.send(conversation, arguments.text)
    reply_to, mentions, everyone = rich
    return client.send_rich(
        conversation, arguments.text, reply_to=reply_to, mentions=mentions, mentions_everyone=everyone
    )


def _unknown(arguments: Namespace) -> Failure:
    return Failure(
        Status.UNREACHABLE,
        "unknown",
        f"no answer within {arguments.timeout:g} s: it may be stored or not; it is kept, and the next "
        f"imctl command of {arguments.user} that connects sends it under the same id, so it arrives once",
    )
