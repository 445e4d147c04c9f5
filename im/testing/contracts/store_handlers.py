"""What every store does for handlers of others."""

from im.core.commands import Result, SetDisabled
from im.core.custom import Conclude, Concluded, CustomReply, GetRecord, GetReply, Post, Record, Stale
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import CursorMoved, MoveRead, Pull, PullPage, Send, Sent
from im.testing.contracts.store_base import DIRECT, StoreContract, a_send, client_id

_DONE = CustomReply(10_002, b"done")
_DAY_MS = 86_400_000


def _conclude(
    number: int,
    *posts: Post,
    read: dict[str, int] | None = None,
    changes: dict[str, bytes | None] | None = None,
    user: str = "alice",
    reply: CustomReply = _DONE,
    handler: str = "vote",
) -> Conclude:
    """What the handler decided on the request of `number`."""
    pairs = tuple((read or {}).items()), tuple((changes or {}).items())
    return Conclude(handler, user, client_id(number), *pairs, posts, reply)


def _post(number: int, sender: str = "", conversation: str = DIRECT, kind: int = 1) -> Post:
    return Post(conversation, sender, client_id(number), kind, f"post {number}".encode())


class HandlerContract(StoreContract):
    """Records, posts and replies, all of a request's or none."""

    async def conclude(self, write: Conclude) -> Concluded:
        """Execute one that must be stored, or was."""
        (result,) = await self.write(write)
        assert isinstance(result, Concluded), result
        return result

    async def record(self, key: str, handler: str = "vote") -> Record:
        """What is stored under a key."""
        result = await self.read(GetRecord(handler, key))
        assert isinstance(result, Record), result
        return result

    async def test_what_was_never_stored_has_version_0(self) -> None:
        self.assertEqual(Record("k", None, 0), await self.record("k"))

    async def test_records_posts_and_reply_are_stored_together(self) -> None:
        done = await self.conclude(_conclude(1, _post(11), _post(12, "alice"), changes={"k": b"1"}))
        self.assertEqual((_DONE, False), (done.reply, done.duplicate))
        self.assertEqual([1, 2], [sent.seq for sent in done.sent])
        self.assertEqual(b"1", (await self.record("k")).value)
        self.assertEqual(_DONE, await self.read(GetReply("vote", "alice", client_id(1))))
        page = await self.pull("bob")
        self.assertEqual(
            [("", b"post 11"), ("alice", b"post 12")], [(each.sender, each.content) for each in page.entries]
        )
        self.store = self.reopen_store(self.store, False)
        self.assertEqual(b"1", (await self.record("k")).value)

    async def test_a_repetition_gets_the_first_answer_and_stores_nothing(self) -> None:
        await self.conclude(_conclude(1, _post(11), changes={"k": b"1"}))
        again = _conclude(1, _post(21), changes={"k": b"2"}, reply=CustomReply(10_002, b"other"))
        self.assertEqual([Concluded(_DONE, (), True)] * 2, await self.write(again, again))
        self.assertEqual(b"1", (await self.record("k")).value)
        self.assertEqual(1, (await self.head("bob")).head_seq)

    async def test_twice_in_one_batch_is_once(self) -> None:
        write = _conclude(1, _post(11), changes={"k": b"1"})
        first, second = await self.write(write, write)
        self.assertEqual([False, True], [getattr(each, "duplicate", None) for each in (first, second)])
        self.assertEqual(1, (await self.head("bob")).head_seq)

    async def test_requests_of_others_and_of_other_handlers_are_others(self) -> None:
        for write in (_conclude(1), _conclude(1, user="bob"), _conclude(1, handler="move")):
            self.assertFalse((await self.conclude(write)).duplicate)
        result = await self.read(GetReply("vote", "carol", client_id(1)))
        self.assert_refused(result, Code.NOT_FOUND, "")

    async def test_a_decision_on_a_changed_record_is_stale(self) -> None:
        await self.conclude(_conclude(1, read={"k": 0}, changes={"k": b"1"}))
        version = (await self.record("k")).version
        *_, late = await self.write(
            _conclude(2, read={"k": version}, changes={"k": b"2"}),
            _conclude(3, _post(13), read={"k": version}, changes={"k": b"3", "other": b""}),
        )
        self.assertEqual(Stale("k"), late)
        self.assertEqual(b"2", (await self.record("k")).value)
        self.assertEqual(Record("other", None, 0), await self.record("other"))
        self.assertEqual([], (await self.sync("bob")).heads)

    async def test_a_version_never_comes_again(self) -> None:
        versions = set()
        for number, value in enumerate((b"1", None, b"1", None, b"1"), 1):
            await self.conclude(_conclude(number, changes={"k": value}))
            if value is not None:
                versions.add((await self.record("k")).version)
        self.assertEqual(3, len(versions))
        self.assertNotIn(0, versions)

    async def test_a_removed_record_reads_as_never_stored(self) -> None:
        await self.conclude(_conclude(1, changes={"k": b"1"}))
        await self.conclude(_conclude(2, changes={"k": None}))
        self.assertEqual(Record("k", None, 0), await self.record("k"))
        await self.conclude(_conclude(3, read={"k": 0}, changes={"k": b"3"}))

    async def test_handlers_see_only_their_own_records(self) -> None:
        await self.conclude(_conclude(1, changes={"k": b"1"}))
        self.assertEqual(Record("k", None, 0), await self.record("k", "move"))

    async def test_a_full_store_takes_no_more_and_can_be_emptied(self) -> None:
        self.store = self.open_store(Limits(handler_records=2, handler_bytes=8, handler_value_bytes=5), True)
        await self.conclude(_conclude(1, changes={"a": b"12", "b": b"12"}))
        for changes, field in (
            ({"c": b""}, "store"),
            ({"a": b"12345"}, "store"),
            ({"a": b"123456"}, "value"),
        ):
            (refused,) = await self.write(_conclude(2, _post(12), changes={**changes}))
            self.assert_refused(refused, Code.LIMIT_EXCEEDED, field)
        self.assertEqual([], (await self.sync("bob")).heads)
        await self.conclude(_conclude(3, changes={"a": b"1"}))
        await self.conclude(_conclude(4, changes={"a": None}))
        await self.conclude(_conclude(5, changes={"c": b"1234"}))

    async def test_a_key_that_no_database_takes_is_refused(self) -> None:
        for key in ("", "k" * 257, "a\0b", "\ud800"):
            (refused,) = await self.write(_conclude(1, changes={key: b""}))
            self.assert_refused(refused, Code.INVALID_ARGUMENT, "key")

    async def test_one_refused_post_refuses_the_whole(self) -> None:
        await self.send(a_send(1))
        for post, code in (
            (_post(13, conversation="g~nobody"), Code.NOT_FOUND),
            (_post(13, conversation="d~bob~alice"), Code.INVALID_ARGUMENT),
            (_post(13, "carol"), Code.NOT_FOUND),
            (_post(13, "alice", kind=100), Code.INVALID_ARGUMENT),
            (_post(13)._replace(content=b""), Code.INVALID_ARGUMENT),
        ):
            first = _post(11, conversation="d~alice~zoe")
            (result,) = await self.write(_conclude(2, first, post, changes={"k": b"1"}))
            assert isinstance(result, Refused), post
            self.assertEqual(code, result.code)
        self.assertEqual(1, (await self.head("alice")).head_seq)
        self.assertEqual(Record("k", None, 0), await self.record("k"))

    async def test_a_disabled_user_is_not_posted_for_but_the_app_may_post(self) -> None:
        await self.write(SetDisabled("alice", True))
        (refused,) = await self.write(_conclude(1, _post(11, "alice")))
        self.assert_refused(refused, Code.DISABLED, "user")
        await self.conclude(_conclude(2, _post(12)))

    async def test_the_app_s_messages_count_below_kind_100_only(self) -> None:
        await self.conclude(_conclude(1, _post(11), _post(12, kind=100), _post(13, "alice")))
        self.assertEqual(2, (await self.head("bob")).unread)
        self.assertEqual(1, (await self.head("alice")).unread)

    async def test_the_app_posts_to_an_inbox_and_nobody_else_does(self) -> None:
        inbox = "i~alice"
        (refused,) = await self.write(_conclude(1, _post(11, "alice", inbox)))
        self.assert_refused(refused, Code.PERMISSION_DENIED, "conversation")
        await self.conclude(_conclude(2, _post(12, conversation=inbox), _post(13, conversation=inbox)))
        head = await self.head("alice")
        self.assertEqual((inbox, 2, 2), (head.conversation, head.head_seq, head.unread))
        self.assertEqual([], (await self.sync("bob")).heads)
        moved, refused = await self.write(
            MoveRead(inbox, "alice", 1), _conclude(3, _post(14, "alice", inbox))
        )
        assert isinstance(moved, CursorMoved)
        self.assertEqual(1, moved.unread)
        self.assert_refused(refused, Code.PERMISSION_DENIED, "conversation")
        page = await self.read(Pull(inbox, "alice", 0, False, 0))
        assert isinstance(page, PullPage)
        self.assertEqual([b"post 12", b"post 13"], [entry.content for entry in page.entries])

    async def test_batches_keep_their_order_around_a_post(self) -> None:
        results: list[Result] = await self.write(a_send(1), _conclude(2, _post(12)), a_send(3, after=1))
        seqs = [
            each.sent[0].seq if isinstance(each, Concluded) else getattr(each, "seq", 0) for each in results
        ]
        self.assertEqual([1, 2, 3], seqs)
        self.assertIsInstance(results[0], Sent)

    async def test_a_batch_that_is_looked_at_again_concludes_once(self) -> None:
        send: Send = a_send(1)
        await self.send(send)
        again, done = await self.write(send, _conclude(2, _post(12), changes={"k": b"1"}))
        assert isinstance(again, Sent) and isinstance(done, Concluded)
        self.assertEqual((True, 2), (again.duplicate, done.sent[0].seq))

    async def test_after_a_day_a_reply_is_forgotten_and_the_post_still_is_not_doubled(self) -> None:
        await self.conclude(_conclude(1, _post(11)))
        self.time_ms += _DAY_MS + 1
        await self.conclude(_conclude(2, changes={"k": b"1"}))
        (refused,) = await self.write(_conclude(1, _post(11)))
        self.assert_refused(refused, Code.CONFLICT, "key")
        self.assertEqual(1, (await self.head("bob")).head_seq)
