"""Logins that are refused: tokens, clocks, versions, fields; and tokens that end during the session."""

import time
from typing import Any

from im.adapters.token.keys import KeyRing
from im.core.errors import Code
from im.proto.base_pb2 import Error
from im.test.system.bad_input import BadInputCase

NOW = 1_800_000_000
DELAY_SECONDS = 0.2


class TokenTests(BadInputCase):
    async def assert_login_closed(self, code: Code, **changes: Any) -> None:
        client = await self.connect()
        await self.assert_closed(client, code, client.ask(self.online("alice", **changes)))

    def token_at(self, at: int, seconds: int = 3_600) -> str:
        """What somebody signs whose clock shows `at`."""
        return self.signer(lambda: at).mint("alice", seconds)

    async def check_a_token_that_is_none_is_refused(self) -> None:
        await self.start_node()
        good = self.token("alice")
        for token in ("", "a.b.c", good[:-2], "x" * 10_000):
            await self.assert_login_closed(Code.UNAUTHENTICATED, token=token)

    async def check_a_token_of_another_key_is_refused(self) -> None:
        await self.start_node()
        self.keys = KeyRing("k1", {"k1": b"x" * 32})
        await self.assert_login_closed(Code.UNAUTHENTICATED)
        self.keys = KeyRing("k2", {"k2": bytes(32)})
        await self.assert_login_closed(Code.UNAUTHENTICATED)

    async def check_a_clock_may_be_off_by_59_seconds_and_not_by_61(self) -> None:
        self.wall = lambda: NOW
        await self.start_node()
        for at in (NOW - 59, NOW + 59):
            client = await self.log_in("alice", token=self.token_at(at))
            await self.assert_alive(client)
        await self.assert_login_closed(Code.UNAUTHENTICATED, token=self.token_at(NOW + 61))

    async def check_a_token_counts_for_59_seconds_after_its_end_and_not_for_61(self) -> None:
        self.wall = lambda: NOW
        await self.start_node()
        client = await self.log_in("alice", token=self.token_at(NOW - 159, 100))
        await self.assert_alive(client)
        await self.assert_login_closed(Code.EXPIRED, token=self.token_at(NOW - 161, 100))

    async def check_a_session_ends_with_its_token(self) -> None:
        await self.start_node(clock_skew_seconds=1)
        client = await self.log_in("alice", token=self.token_at(int(time.time()), 1))
        await self.assert_closed(client, Code.EXPIRED)

    async def check_a_refusal_is_one_line_without_the_token_and_comes_late(self) -> None:
        await self.start_node(refusal_delay_seconds=DELAY_SECONDS)
        expired = self.token_at(int(time.time()) - 7_200)
        for token, code in (("secret-token", Code.UNAUTHENTICATED), (expired, Code.EXPIRED)):
            self.logged.clear()
            began = time.monotonic()
            await self.assert_login_closed(code, token=token)
            self.assertGreaterEqual(time.monotonic() - began, DELAY_SECONDS)
            self.assertEqual([f"login from 127.0.0.1 refused: {code.label}"], self.said("login"))
            for event in self.logged:
                self.assertNotIn(token, repr(event))


class LoginFieldTests(BadInputCase):
    async def check_each_wrong_field_closes_and_is_named(self) -> None:
        await self.start_node()
        for code, changes in (
            (Code.UNSUPPORTED_VERSION, {"min_version": 2, "max_version": 3}),
            (Code.UNSUPPORTED_VERSION, {"min_version": 0, "max_version": 0}),
            (Code.INVALID_ARGUMENT, {"device_id": ""}),
            (Code.INVALID_ARGUMENT, {"device_id": "a b"}),
            (Code.INVALID_ARGUMENT, {"device_id": "d" * 65}),
            (Code.INVALID_ARGUMENT, {"device_class": "toaster"}),
            (Code.INVALID_ARGUMENT, {"app_state": 2}),
            (Code.INVALID_ARGUMENT, {"attempt": 0}),
            (Code.INVALID_ARGUMENT, {"attempt": 2**63}),
            (Code.INVALID_ARGUMENT, {"cursor": {"epoch": "x" * 301}}),
            (Code.INVALID_ARGUMENT, {"cursor": {"position": 2**63}}),
        ):
            client = await self.connect()
            close = await self.assert_closed(client, code, client.ask(self.online("alice", **changes)))
            if code is Code.INVALID_ARGUMENT:
                self.assertIn(next(iter(changes)), close.text)

    async def check_a_stale_attempt_is_told_the_last_one(self) -> None:
        await self.start_node()
        await self.log_in("alice", attempt=1_000)
        client = await self.connect()
        request_id = client.ask(self.online("alice", attempt=1_000))
        error = await client.expect(Error, request_id)
        self.assertEqual((Code.STALE_ATTEMPT, 1_000), (error.code, error.last_attempt))
        await self.assert_closed(client, Code.STALE_ATTEMPT, request_id)

    async def check_a_cursor_of_no_server_is_answered_like_none(self) -> None:
        await self.start_node()
        client = await self.log_in("alice", cursor={"epoch": "nobody's", "position": 2**63 - 1})
        await self.assert_alive(client)
