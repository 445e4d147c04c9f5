"""A client that is told whom to ask where to connect."""

import json
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from im.client import Status
from im.client.routes import UnroutableError, addresses_in
from im.test.client.cases import ClientTestCase


def answer(*nodes: tuple[list[str], str]) -> bytes:
    """What `/v1/route` answers."""
    return json.dumps({"nodes": [{"node": "n", "tcp": tcp, "websocket": ws} for tcp, ws in nodes]}).encode()


class AnswerTests(SynchronousTestCase):
    def test_addresses_come_in_the_order_of_the_answer(self) -> None:
        found = addresses_in(answer((["tcp:a:1"], "ws://a/ws"), (["tls:b:2"], "")), "http://h")
        self.assertEqual(found, ["tcp:a:1", "ws://a/ws", "tls:b:2"])

    def test_who_was_asked_over_tls_does_not_lead_to_the_open(self) -> None:
        found = addresses_in(answer((["tcp:a:1", "tls:a:2"], "wss://a/ws")), "https://h")
        self.assertEqual(found, ["tls:a:2", "wss://a/ws"])
        for content in (answer((["tcp:a:1"], "")), answer()):
            self.assertRaises(UnroutableError, addresses_in, content, "https://h")

    def test_what_is_no_answer_is_told(self) -> None:
        for content in (b"", b"[]", b"{}", b'{"nodes": 7}', b'{"nodes": [{}]}', b'{"nodes": [{"tcp": [7]}]}'):
            self.assertRaises(UnroutableError, addresses_in, content, "http://h")

    def test_nobody_is_led_from_one_question_to_another(self) -> None:
        self.assertRaises(UnroutableError, addresses_in, answer((["http://h"], "https://h")), "http://h")


class RoutedTests(ClientTestCase):
    def route(self, answers: "list[Deferred[list[str]]]", addresses: tuple[str, ...]) -> list[Any]:
        """A client that asks; what it asked with."""
        asked: list[Any] = []

        def routes(url: str, token: str) -> "Deferred[list[str]]":
            asked.append((url, token))
            return answers.pop(0)

        self.client = self.make(addresses=addresses)
        connector = self.client._connector
        connector._dialling = connector._dialling._replace(routes=routes)
        self.start()
        return asked

    def test_it_connects_where_it_is_told_and_asks_before_each_connect(self) -> None:
        answers = [succeed(["tcp:b:1"]), succeed(["tcp:c:1"])]
        asked = self.route(answers, ("https://api",))
        self.assertIs(self.client.status.status, Status.ONLINE)
        self.node.connection.end()
        self.node.turns()
        self.node.wait(2.0)
        self.assertIs(self.client.status.status, Status.ONLINE)
        self.assertEqual([url for url, _ in asked], ["https://api"] * 2)

    def test_it_tries_the_next_node_and_its_own_list(self) -> None:
        self.node.refusing = {"tcp:b:1", "tcp:c:1"}
        self.route([succeed(["tcp:b:1", "tcp:c:1"])], ("https://api", "tcp:a:1"))
        self.assertIs(self.client.status.status, Status.ONLINE)

    def test_it_goes_on_by_itself_where_nobody_answers(self) -> None:
        broken: Deferred[list[str]] = fail(UnroutableError("nobody"))
        self.route([broken], ("https://api", "tcp:a:1"))
        self.assertIs(self.client.status.status, Status.ONLINE)
