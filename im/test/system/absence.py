"""A user is absent while 10,000 messages come in 50 conversations, and comes back."""

import itertools
from collections import defaultdict
from time import time_ns

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase

from im.client import MemoryState, Sent, direct_conversation
from im.core.limits import Limits
from im.proto.session_pb2 import OnlineMessage, OnlineResult
from im.proto.sync_pb2 import Head, Sync, SyncCursor, SyncResult
from im.test.system.cast import Actor, Cast
from im.test.system.raw_client import connect

USER = "merchant-absent"
WRITERS = 20
GROUPS = 30
EACH = 200
"""Messages of each conversation, of which the last is a large one."""
AT_ONCE = 50
LARGE = "x" * 2_000
PAGE_BYTES = Limits().page_bytes

Stored = dict[str, dict[int, str]]
"""By conversation and seq: what writers were told is stored."""


async def absent_and_back(case: SynchronousTestCase, cast: Cast) -> None:
    """All of it comes, once and in order; before that the heads tell how much it is."""
    state = MemoryState()
    first = cast.come(USER, state)
    await first.client.heads()
    await first.client.stop()
    stored = await write(cast)
    case.assertEqual([len(each) for each in stored.values()], [EACH] * (WRITERS + GROUPS))
    check_heads(case, await pages(cast), stored)
    back = cast.come(USER, state)
    heads = {each.conversation: each for each in await back.client.heads()}
    case.assertEqual({name: each.unread for name, each in heads.items()}, dict.fromkeys(stored, EACH))
    expected = sum(head.head_seq for head in heads.values())
    await cast.until(lambda: len(back.handed) >= expected, f"{expected} entries")
    case.assertLessEqual(set(stored), {each.conversation for each in back.heads})
    for conversation, texts in stored.items():
        seen = back.seen(conversation)
        case.assertEqual([seq for seq, _ in seen], list(range(1, heads[conversation].head_seq + 1)))
        case.assertEqual({seq: text for seq, text in seen if text}, texts)
    for conversation in stored:
        await back.client.read(conversation, heads[conversation].head_seq)
    case.assertEqual(await back.client.unread(), 0)


async def write(cast: Cast) -> Stored:
    """Everybody writes to who is absent, to each alone and in groups of three."""
    writers = await cast.enter(*(f"writer{number:02}" for number in range(WRITERS)))
    places: list[tuple[str, tuple[Actor, ...]]] = [
        (direct_conversation(each.user, USER), (each,)) for each in writers
    ]
    for number in range(GROUPS):
        one, other = writers[number % WRITERS], writers[(number + 1) % WRITERS]
        made = await one.client.create_group(f"group {number}", [USER, other.user])
        places.append((made.conversation, (one, other)))
    stored: Stored = defaultdict(dict)
    for conversation, text, sent in await _written(places):
        stored[conversation][sent.seq] = text
    return stored


async def _written(places: list[tuple[str, tuple[Actor, ...]]]) -> list[tuple[str, str, Sent]]:
    done: list[tuple[str, str, Sent]] = []
    numbers = itertools.count(1)
    for start in range(0, EACH, AT_ONCE):
        texts = [f"number {next(numbers)}" for _ in range(AT_ONCE)]
        if start + AT_ONCE == EACH:
            texts[-1] += LARGE
        sending = [
            (place, text, authors[at % len(authors)].client.send(place, text))
            for at, text in enumerate(texts)
            for place, authors in places
        ]
        sent = await gatherResults([each for _, _, each in sending])
        done += [(place, text, each) for (place, text, _), each in zip(sending, sent, strict=True)]
    return done


async def pages(cast: Cast) -> list[SyncResult]:
    """What a new device of the absent user is told by its login, and asks for afterwards."""
    (address, *_) = cast.served.addresses_of(USER)
    raw = await connect("tcp", int(address.rpartition(":")[2]), cast.reactor)
    login = OnlineMessage(
        min_version=1,
        max_version=1,
        token=cast.served.token(USER),
        device_id="by-hand",
        device_class="bot",
        attempt=time_ns() // 1_000_000,
    )
    raw.ask(login)
    found = [(await raw.skip_to(OnlineResult)).sync]
    while found[-1].next:
        raw.ask(Sync(cursor=SyncCursor(), after=found[-1].next))
        found.append(await raw.skip_to(SyncResult))
    await raw.leave()
    return found


def check_heads(case: SynchronousTestCase, found: list[SyncResult], stored: Stored) -> None:
    """Each page is within its bound; every head tells what is unread, and the last message where it fits."""
    case.assertGreater(len(found), 1)
    for page in found:
        case.assertLessEqual(page.ByteSize(), PAGE_BYTES)
    heads: list[Head] = [head for page in found for head in page.heads]
    case.assertEqual(sorted(head.conversation for head in heads), sorted(stored))
    case.assertEqual({head.unread for head in heads}, {EACH})
    inline = [head for head in heads if head.HasField("last")]
    for head in inline:
        case.assertEqual(head.last.content.decode(), stored[head.conversation][head.head_seq])
    case.assertGreaterEqual(len(inline), PAGE_BYTES // (2 * len(LARGE)))
