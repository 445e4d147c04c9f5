"""Bots: who is answered, how often, and what a failing handler does."""

import importlib.util
from pathlib import Path
from types import ModuleType

from twisted.trial.unittest import SynchronousTestCase

from im.client import (
    Bot,
    Client,
    ClientSettings,
    Incoming,
    MemoryState,
    NoSettingsError,
    SqliteState,
    environment_settings,
)
from im.client.core.contents import rich_text
from im.core.entries import IMAGE, RICH
from im.proto import chat_pb2
from im.test.client import server
from im.test.client.network import FakeNode

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "echo_bot.py"


def load_example() -> ModuleType:
    """The example as a module; its bot does not run."""
    specification = importlib.util.spec_from_file_location("echo_bot", EXAMPLE)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class BotTests(SynchronousTestCase):
    """A bot on a client beside a scripted node."""

    def setUp(self) -> None:
        self.node = FakeNode()
        self.state = MemoryState()

    def run_bot(self, bot: Bot) -> Client:
        settings = ClientSettings(addresses=("tcp:a:1",), token="t", state=self.state)
        client = Client(settings, self.node.clock, endpoints=self.node.endpoint)
        bot.attach(client)
        client.start()
        self.node.turns()
        return client

    def chats(self) -> list[chat_pb2.Chat]:
        return [each for each in self.node.asked if isinstance(each, chat_pb2.Chat)]

    def test_the_example_answers_with_the_same_text(self) -> None:
        self.run_bot(load_example().bot)
        self.node.push(server.deliver(1))
        (chat,) = self.chats()
        self.assertEqual((chat.conversation, chat.content, chat.seen_seq), (server.CHAT, b"text 1", 1))

    def test_the_example_is_short(self) -> None:
        self.assertLessEqual(len(EXAMPLE.read_text().splitlines()), 20)

    def test_it_does_not_answer_itself(self) -> None:
        self.run_bot(load_example().bot)
        self.node.push(server.deliver(1, sender="alice"))
        self.assertEqual(self.chats(), [])

    def test_a_text_that_mentions_it_is_answered_and_what_is_no_text_is_not(self) -> None:
        self.run_bot(load_example().bot)
        self.node.push(
            server.deliver(1, kind=RICH, content=rich_text("you there?", 0, ["alice"], False)),
            server.deliver(2, kind=IMAGE, content=b"x"),
        )
        self.assertEqual([each.content for each in self.chats()], [b"you there?"])

    def test_a_handler_that_raises_is_logged_and_the_bot_lives(self) -> None:
        bot = Bot()
        seen: list[str] = []

        @bot.on_text
        def work(incoming: Incoming) -> None:
            seen.append(incoming.text)
            raise ZeroDivisionError

        self.run_bot(bot)
        self.node.push(server.deliver(1), server.deliver(2))
        self.assertEqual(seen, ["text 1", "text 2"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_killed_before_its_answer_was_heard_it_answers_under_the_same_id(self) -> None:
        self.node.answers.pop(chat_pb2.Chat)
        self.run_bot(load_example().bot)
        self.node.push(server.deliver(1))
        (first,) = self.chats()
        self.state = MemoryState()  # not even the unsent answer was kept
        self.run_bot(load_example().bot)
        self.node.push(server.deliver(1))
        self.assertEqual([each.client_msg_id for each in self.chats()], [first.client_msg_id] * 2)

    def test_two_answers_to_one_text_are_two_messages(self) -> None:
        bot = Bot()

        @bot.on_text
        async def twice(incoming: Incoming) -> None:
            await incoming.reply("one")
            await incoming.reply("two")

        self.run_bot(bot)
        self.node.push(server.deliver(1))
        self.assertEqual(len({each.client_msg_id for each in self.chats()}), 2)


class EnvironmentTests(SynchronousTestCase):
    """Where a bot that was told nothing connects."""

    def test_the_environment_names_addresses_token_and_state(self) -> None:
        path = self.mktemp()
        settings = environment_settings(
            {"IM_CONNECT": "tcp:a:1, tcp:b:2", "IM_TOKEN": "secret", "IM_CLIENT_STATE": path}
        )
        self.addCleanup(settings.state.close)
        self.assertEqual((settings.addresses, settings.token), (("tcp:a:1", "tcp:b:2"), "secret"))
        self.assertIsInstance(settings.state, SqliteState)

    def test_without_a_state_file_it_is_memory(self) -> None:
        settings = environment_settings({"IM_CONNECT": "tcp:a:1", "IM_TOKEN": "secret"})
        self.assertIsInstance(settings.state, MemoryState)

    def test_a_missing_token_is_named(self) -> None:
        error = self.assertRaises(NoSettingsError, environment_settings, {"IM_CONNECT": "tcp:a:1"})
        self.assertIn("IM_TOKEN", str(error))

    def test_a_token_is_not_shown(self) -> None:
        settings = environment_settings({"IM_CONNECT": "tcp:a:1", "IM_TOKEN": "secret"})
        self.assertNotIn("secret", repr(settings))
