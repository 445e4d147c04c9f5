"""Sends that are refused, each by its code and the field that is wrong."""

from typing import Any

from google.protobuf.message import Message

from im.core.errors import Code
from im.proto.chat_pb2 import Cursor, Deliver, DeliverAck, Read, SendAck
from im.proto.session_pb2 import GetProfile, Profile, SetProfile
from im.proto.sync_pb2 import Page, Pull, Sync
from im.test.system.bad_input import CONVERSATION, BadInputCase
from im.test.system.raw_client import RawClient

CONTENT_BYTES = 32_768


class SendTests(BadInputCase):
    async def assert_all_refused(
        self, client: RawClient, code: Code, field: str, wrong: list[dict[str, Any]]
    ) -> None:
        for changes in wrong:
            await self.assert_refused(client, client.ask(self.chat(**changes)), code, field)

    async def assert_stored(self, client: RawClient, body: Message) -> SendAck:
        return await client.expect(SendAck, client.ask(body))

    async def check_what_is_wrong_with_the_content_is_refused(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        bob = await self.log_in("bob")
        wrong: list[dict[str, Any]] = [
            {"content": b""},
            {"content": b"", "kind": 2},
            {"content": b"", "kind": 99},
            {"content": b"x" * (CONTENT_BYTES + 1)},
            {"content": b"x" * (CONTENT_BYTES + 1), "kind": 99},
            {"content": b"\xff\xfe"},
            {"content": b"caf\xc3"},
            {"content": b"\xed\xa0\x80"},
            {"content": b"nul\0"},
        ]
        await self.assert_all_refused(alice, Code.INVALID_ARGUMENT, "content", wrong)
        good = [
            (b"x" * CONTENT_BYTES, 1),
            (b"x" * CONTENT_BYTES, 99),
            (b"\xff\0", 99),
            ("\U0001f642".encode(), 1),
        ]
        for content, kind in good:
            await self.assert_stored(alice, self.chat(content, kind=kind))
        delivered = [(await bob.expect(Deliver)).entry for _ in good]
        self.assertEqual(good, [(entry.content, entry.kind) for entry in delivered])
        self.assertEqual([1, 2, 3, 4], [entry.seq for entry in delivered])

    async def check_what_is_wrong_beside_the_content_is_refused(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        same = self.new_id()
        for field, wrong in (
            ("client_msg_id", [{"client_msg_id": bytes(size)} for size in (0, 15, 17)]),
            ("after", [{"after": bytes(15)}, {"after": bytes(17)}, {"client_msg_id": same, "after": same}]),
            ("kind", [{"kind": 0}, {"kind": 100}, {"kind": 2**32 - 1}]),
            ("seen_seq", [{"seen_seq": 2**63}, {"seen_seq": 2**64 - 1}]),
        ):
            await self.assert_all_refused(alice, Code.INVALID_ARGUMENT, field, wrong)
        sent = await self.assert_stored(alice, self.chat(seen_seq=2**63 - 1))
        self.assertEqual(1, sent.seq)

    async def check_a_conversation_that_cannot_be_is_refused(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        malformed = [
            "",
            "d~alice~alice",
            "d~bob~alice",
            "d~alice~",
            "d~alice",
            "d~alice~bob~carol",
            "d~alice~b b",
            "d~alice~b\0b",
            "d~alice~b\nb",
            "d~alice~" + "x" * 65,
            "D~alice~bob",
            "alice",
            "~~",
            "g~",
            "i~",
        ]
        await self.assert_all_refused(
            alice, Code.INVALID_ARGUMENT, "conversation", [{"conversation": each} for each in malformed]
        )
        others = ["d~bob~carol", "g~1", "i~bob"]
        await self.assert_all_refused(
            alice, Code.NOT_FOUND, "conversation", [{"conversation": each} for each in others]
        )
        inbox = [{"conversation": "i~alice"}]
        await self.assert_all_refused(alice, Code.PERMISSION_DENIED, "conversation", inbox)
        longest = "d~alice~" + "x" * 64
        await self.assert_stored(alice, self.chat(conversation=longest))

    async def check_the_same_id_gets_the_first_answer_or_is_a_conflict(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        bob = await self.log_in("bob")
        first = self.chat(b"first")
        sent = await self.assert_stored(alice, first)
        await self.assert_stored(alice, self.chat(b"second"))
        self.assertEqual(sent, await self.assert_stored(alice, first))
        for changes in ({"content": b"other"}, {"kind": 99}):
            other = self.chat(**{"client_msg_id": first.client_msg_id, "content": b"first"} | changes)
            await self.assert_refused(alice, alice.ask(other), Code.CONFLICT, "client_msg_id")
        got = [(await bob.expect(Deliver)).entry.content for _ in range(2)]
        self.assertEqual([b"first", b"second"], got)
        await self.assert_alive(bob)

    async def check_an_unknown_after_is_out_of_order_until_it_is_stored(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        first = self.chat(b"first")
        second = self.chat(b"second", after=first.client_msg_id)
        for _ in range(2):  # without the conversation, and with it
            await self.assert_refused(alice, alice.ask(second), Code.OUT_OF_ORDER, "after")
            await self.assert_stored(alice, self.chat())
        await self.assert_stored(alice, first)
        self.assertEqual(4, (await self.assert_stored(alice, second)).seq)

    async def check_one_wrong_message_harms_no_neighbour(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        good = [alice.ask(self.chat()), alice.ask(self.chat())]
        wrong = alice.ask(self.chat(b"\xff"))
        good.append(alice.ask(self.chat()))
        answers = {(envelope := await alice.next()).id: envelope.type for _ in range(4)}
        self.assertEqual({*good, wrong}, set(answers))
        self.assertEqual([answers[good[0]]] * 3, [answers[each] for each in good])
        self.assertNotEqual(answers[good[0]], answers[wrong])


class KnownUsersTests(BadInputCase):
    async def check_an_unknown_user_is_not_found(self) -> None:
        await self.start_node(users="known")
        alice = await self.log_in("alice")
        await self.assert_refused(alice, alice.ask(self.chat()), Code.NOT_FOUND, "conversation")
        await self.log_in("bob")
        await alice.expect(SendAck, alice.ask(self.chat()))

    async def check_new_users_are_made_only_so_fast(self) -> None:
        await self.start_node(new_users_per_minute=1)
        alice = await self.log_in("alice")
        await alice.expect(SendAck, alice.ask(self.chat()))
        request_id = alice.ask(self.chat(conversation="d~alice~carol"))
        error = await self.assert_refused(alice, request_id, Code.RATE_LIMITED, "conversation")
        self.assertGreater(error.retry_after_ms, 1_000)


class OtherRequestTests(BadInputCase):
    async def check_what_is_wrong_with_a_request_is_refused(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        await alice.expect(SendAck, alice.ask(self.chat()))
        invalid, not_found = Code.INVALID_ARGUMENT, Code.NOT_FOUND
        wrong: list[tuple[Message, Code, str]] = [
            (Read(conversation=CONVERSATION, seq=2**63), invalid, "seq"),
            (Read(conversation="d~alice~alice", seq=1), invalid, "conversation"),
            (Read(conversation="d~alice~carol", seq=1), not_found, "conversation"),
            (Read(conversation="d~bob~carol", seq=1), not_found, "conversation"),
            (DeliverAck(conversation="x", seq=1), invalid, "conversation"),
            (DeliverAck(conversation=CONVERSATION, seq=2**64 - 1), invalid, "seq"),
            (Pull(conversation=CONVERSATION, from_seq=2**63), invalid, "from_seq"),
            (Pull(conversation="d~bob~carol"), not_found, "conversation"),
            (Pull(conversation="d~alice~carol"), not_found, "conversation"),
            (Sync(after="x" * 301), invalid, "after"),
            (Sync(after="\0"), invalid, "after"),
            (Sync(cursor={"position": 2**63}), invalid, "cursor"),
            (GetProfile(user="a b"), invalid, "user"),
            (GetProfile(user="x" * 65), invalid, "user"),
            (GetProfile(user="nobody"), not_found, "user"),
            (SetProfile(name="x" * 4_097), invalid, "fields"),
            (SetProfile(name="\0"), invalid, "fields"),
            (SetProfile(fields={"": "x"}), invalid, "fields"),
        ]
        for body, code, field in wrong:
            await self.assert_refused(alice, alice.ask(body), code, field)

    async def check_an_acknowledgement_of_what_was_never_sent_moves_nothing_beyond_the_head(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        bob = await self.log_in("bob")
        await alice.expect(SendAck, alice.ask(self.chat()))
        await bob.expect(Deliver)
        bob.ask(DeliverAck(conversation=CONVERSATION, seq=2**63 - 1))
        bob.ask(Read(conversation=CONVERSATION, seq=2**63 - 1))
        self.assertEqual(1, (await bob.skip_to(Cursor)).read_seq)
        alice.ask(self.chat())
        self.assertEqual(2, (await alice.skip_to(SendAck)).seq)
        self.assertEqual(2, (await bob.skip_to(Deliver)).entry.seq)
        bob.ask(Pull(conversation=CONVERSATION, from_seq=1))
        page = await bob.skip_to(Page)
        self.assertEqual((1, 2), (page.read_seq, page.head_seq))

    async def check_ones_own_profile_needs_no_name(self) -> None:
        await self.start_node()
        alice = await self.log_in("alice")
        profile = await alice.expect(Profile, alice.ask(GetProfile()))
        self.assertEqual("alice", profile.user)
