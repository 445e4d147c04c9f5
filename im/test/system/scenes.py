"""Scenes of a shop, played with the client library; each fails where something is not as it should be."""

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase

from im.client import MemoryState, PermissionDeniedError, direct_conversation
from im.core.entries import RELATION
from im.test.system.cast import Actor, Cast

GREETING = "你好"


async def friends_online(case: SynchronousTestCase, cast: Cast) -> None:
    """A friend's acceptance and greeting come at once, to all devices of both."""
    alice, phone, bob, tablet = await cast.enter("alice", "alice", "bob", "bob")
    talk = direct_conversation("alice", "bob")
    with case.assertRaises(PermissionDeniedError):
        await alice.client.send_to("bob", "we are no friends yet")
    await alice.client.ask_friend("bob", "it's me")
    await cast.until(
        lambda: all(relations(each, talk) == ["requested"] for each in (phone, bob, tablet)), "both are told"
    )
    (request,) = (await tablet.client.friend_requests()).requests
    case.assertEqual((request.requester, request.text, request.state), ("alice", "it's me", "pending"))
    case.assertEqual((await bob.client.accept_friend("alice")).relation, "friend")
    others = (alice, phone, tablet)
    await cast.until(lambda: all(each.seen(talk)[-1:] == [(3, GREETING)] for each in others), "the greeting")
    for each in others:
        case.assertEqual([seq for seq, _ in each.seen(talk)], [1, 2, 3])
    case.assertEqual((await alice.client.unread(), await bob.client.unread()), (1, 0))
    await alice.client.send(talk, "hello", seen_seq=3)
    await cast.until(lambda: bob.seen(talk)[-1:] == [(4, "hello")], "friends write to each other")
    case.assertEqual((await phone.client.unread(), await tablet.client.unread()), (0, 1))


async def friends_away(case: SynchronousTestCase, cast: Cast) -> None:
    """Who was away finds the request, and who asked and went finds the greeting."""
    at_carol = MemoryState()
    carol = cast.come("carol", at_carol)
    await carol.client.ask_friend("dave", "for later")
    await carol.client.stop()
    (dave,) = await cast.enter("dave")
    requests = await dave.client.friend_requests()
    case.assertEqual((requests.unseen, [each.text for each in requests.requests]), (1, ["for later"]))
    await dave.client.accept_friend("carol")
    talk = direct_conversation("carol", "dave")
    carol = cast.come("carol", at_carol)
    await cast.until(lambda: carol.seen(talk)[-1:] == [(3, GREETING)], "the greeting waits")
    case.assertEqual(relations(carol, talk), ["requested", "accepted"])
    (head,) = [each for each in await carol.client.heads() if each.conversation == talk]
    case.assertEqual((head.unread, head.contact.relation), (1, "friend"))


async def user_and_merchant(case: SynchronousTestCase, cast: Cast) -> None:
    """A customer may always write to a merchant; all others only to friends, as the hook says."""
    erin, frank, merchant = await cast.enter("erin", "frank", "merchant-1")
    counter = direct_conversation("erin", "merchant-1")
    sent = await erin.client.send_to("merchant-1", "is it in stock?")
    await cast.until(lambda: merchant.seen(counter) == [(1, "is it in stock?")], "the merchant is asked")
    case.assertEqual((sent.conversation, sent.seq), (counter, 1))
    for writer, to in ((erin, "frank"), (merchant, "frank"), (merchant, "erin")):
        with case.assertRaises(PermissionDeniedError):
            await writer.client.send_to(to, "buy this!")
    await merchant.client.ask_friend("erin", "to answer you")
    await erin.client.accept_friend("merchant-1")
    await merchant.client.send_to("erin", "it is")
    await cast.until(lambda: erin.seen(counter)[-1:] == [(5, "it is")], "a friend answers")
    case.assertEqual([text for _, text in frank.seen(direct_conversation("erin", "frank"))], [])
    await gatherResults(
        [erin.client.send_to("merchant-1", "two of them"), frank.client.send_to("merchant-1", "!")]
    )
    await cast.until(lambda: (6, "two of them") in merchant.seen(counter), "the counter stays open")


def relations(actor: Actor, conversation: str) -> list[str]:
    """What an actor was told of the relation of two."""
    told = [each for each in actor.handed if (each.conversation, each.kind) == (conversation, RELATION)]
    return [each.content.decode() for each in told]
