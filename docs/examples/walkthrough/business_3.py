"""Business 3: a group; one message to all of it, and nothing any more for who was removed."""

from here import Stage, expect, play, somebody

from im.client import Client, Message
from im.core.entries import TEXT


def texts_to(client: Client) -> list[str]:
    """The texts that come to a client, as they come."""
    heard: list[str] = []

    def hear(message: Message) -> None:
        if message.kind == TEXT:
            heard.append(message.text)

    client.on_message(hear)
    return heard


async def step(stage: Stage) -> None:
    alice, bob, carol = (stage.client(somebody(name)) for name in ("alice", "bob", "carol"))
    to_bob, to_carol = texts_to(bob), texts_to(carol)
    for each in (alice, bob, carol):
        await each.heads()
    group = (await alice.create_group("lunch", [bob.user, carol.user])).conversation
    await alice.send(group, "noodles?")
    await stage.until(lambda: to_bob == to_carol == ["noodles?"], "bob and carol hear: noodles?")
    await alice.remove_members(group, [carol.user])
    await alice.send(group, "at twelve")
    await stage.until(lambda: to_bob[1:] == ["at twelve"], "carol is removed; bob hears: at twelve")
    page = await carol.history(group)
    texts = [message.text for message in page.messages if message.kind == TEXT]
    expect(texts == to_carol == ["noodles?"], "carol does not, and keeps what was hers")


play(step)
