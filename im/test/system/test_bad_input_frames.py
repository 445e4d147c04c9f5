"""Frames that are too large, unfinished, unreadable, or not for the client to send."""

from im.core.errors import Code
from im.proto.base_pb2 import BaseMessage, Error
from im.proto.chat_pb2 import Chat, Deliver, SendAck
from im.proto.session_pb2 import OnlineMessage
from im.test.system.bad_input import BadInputCase
from im.wire.codec import pack, pack_raw
from im.wire.types import CHAT, ONLINE, TYPES, Direction

FRAME_BYTES = 65_536
GARBAGE = b"\xff" * 40
UNKNOWN_TYPE = 9_999


class FramingTests(BadInputCase):
    async def check_a_frame_over_the_limit_closes_with_a_reason(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        client.say(bytes(FRAME_BYTES + 1))
        await self.assert_closed(client, Code.TOO_LARGE)
        await self.until_gone()

    async def check_a_frame_over_the_limit_closes_before_the_login(self) -> None:
        await self.start_node()
        client = await self.connect()
        client.say(bytes(FRAME_BYTES + 1))
        await self.assert_closed(client, Code.TOO_LARGE)

    async def check_the_limit_of_a_frame_is_configurable_and_exact(self) -> None:
        await self.start_node(frame_bytes=262_144)
        client = await self.log_in("alice")
        empty = len(BaseMessage(type=UNKNOWN_TYPE, id=9, body=bytes(200_000)).SerializeToString()) - 200_000
        client.say(pack_raw(UNKNOWN_TYPE, bytes(262_144 - empty), 9))
        await self.assert_refused(client, 9, Code.UNKNOWN_TYPE)
        client.say(pack_raw(UNKNOWN_TYPE, bytes(262_144 - empty + 1), 9))
        await self.assert_closed(client, Code.TOO_LARGE)

    async def check_half_a_frame_for_ever_before_the_login_is_closed(self) -> None:
        await self.start_node(login_seconds=0.3)
        client = await self.connect()
        client.say_half(bytes(FRAME_BYTES))
        await self.assert_closed(client, Code.LOGIN_TIMEOUT)
        await self.until_gone()

    async def check_half_a_frame_for_ever_in_a_session_is_silence(self) -> None:
        await self.start_node(heartbeat_seconds=0.3)
        client = await self.log_in("alice")
        client.say_half(bytes(FRAME_BYTES))
        await self.assert_closed(client, Code.HEARTBEAT_TIMEOUT)
        await self.until_gone()

    async def check_no_login_in_time_is_closed(self) -> None:
        await self.start_node(login_seconds=0.3)
        client = await self.connect()
        await self.assert_closed(client, Code.LOGIN_TIMEOUT)
        await self.until_gone()


class UnreadableTests(BadInputCase):
    async def check_garbage_is_undecodable_and_the_session_lives(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        client.say(GARBAGE)
        await self.assert_refused(client, 0, Code.UNDECODABLE)

    async def check_an_unknown_type_is_refused_and_the_session_lives(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        for number in (0, 19, UNKNOWN_TYPE, 10_000, 2**32 - 1):
            client.say(pack_raw(number, GARBAGE, 7))
            await self.assert_refused(client, 7, Code.UNKNOWN_TYPE)

    async def check_an_undecodable_body_of_every_type_is_refused_and_the_session_lives(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        asked = [row.number for row in TYPES.values() if row.direction is Direction.CLIENT and row.login]
        self.assertIn(CHAT, asked)
        for number in asked:
            client.say(pack_raw(number, GARBAGE, 7))
            await self.assert_refused(client, 7, Code.UNDECODABLE)

    async def check_invalid_utf8_in_a_field_is_undecodable(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        body = self.chat().SerializeToString().replace(b"d~alice~bob", b"d~alice~\xff\xfeb")
        client.say(pack_raw(CHAT, body, 7))
        await self.assert_refused(client, 7, Code.UNDECODABLE)

    async def check_what_only_the_server_sends_is_refused_and_the_session_lives(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        for number, row in TYPES.items():
            if row.direction is Direction.SERVER:
                client.say(pack_raw(number, b"", 7))
                await self.assert_refused(client, 7, Code.WRONG_DIRECTION)

    async def check_what_is_wrong_under_no_id_is_told_all_the_same(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        client.say(pack(SendAck()))
        await self.assert_refused(client, 0, Code.WRONG_DIRECTION)

    async def check_whatever_is_wrong_before_the_login_closes(self) -> None:
        await self.start_node()
        for payload, code, request_id in (
            (GARBAGE, Code.UNDECODABLE, 0),
            (b"", Code.UNKNOWN_TYPE, 0),
            (pack_raw(UNKNOWN_TYPE, b"", 7), Code.UNKNOWN_TYPE, 7),
            (pack_raw(ONLINE, GARBAGE, 7), Code.UNDECODABLE, 7),
            (pack(Deliver(), 7), Code.WRONG_DIRECTION, 7),
            (pack(Error(), 7), Code.WRONG_DIRECTION, 7),
            (pack(Chat(), 7), Code.NOT_LOGGED_IN, 7),
        ):
            client = await self.connect()
            client.say(payload)
            await self.assert_closed(client, code, request_id)

    async def check_a_second_login_is_a_conflict_and_the_session_lives(self) -> None:
        await self.start_node()
        client = await self.log_in("alice")
        await self.assert_refused(client, client.ask(OnlineMessage()), Code.CONFLICT)
