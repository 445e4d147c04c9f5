"""Bots that are killed while they receive and while they send go on where they were."""

import signal
import sys
from pathlib import Path

from twisted.internet import reactor

from im.core.ids import direct_conversation
from im.test.faults.case import FaultCase
from im.test.faults.nodes import FaultyNode, until
from im.test.faults.people import Crowd
from im.test.system.processes import ROOT, Process

ECHO_BOT = ROOT / "docs" / "examples" / "echo_bot.py"
KILLS = 6
TEXTS = 240
ALICE_AND_BOT = direct_conversation("alice", "bot")
LEFT_OVER = 40
"""The first run of a sender is killed when it has so many answers, of `COUNT`."""
COUNT = 400


class BotCase(FaultCase):
    def start_bot(self, node: FaultyNode, *command: str | Path, **environ: str) -> Process:
        """A process of the user "bot", on the state that the one before left."""
        known = {
            "IM_CONNECT": node.address,
            "IM_TOKEN": node.token("bot"),
            "IM_CLIENT_STATE": str(self.folder / "bot.sqlite"),
        }
        process = Process([sys.executable, *command], self.folder, **known, **environ)
        self.addCleanup(process.end)
        return process

    async def kill(self, process: Process) -> None:
        """kill -9."""
        process.send(signal.SIGKILL)
        await until(reactor, lambda: process.has_ended, "the end of the bot")
        self.assertEqual(process.wait(), -signal.SIGKILL, process.err)

    async def with_alice(self) -> tuple[FaultyNode, Crowd]:
        """A node, and alice at it."""
        node = self.make_node()
        node.start()
        await node.ready()
        return node, await self.crowd(node, ("alice", "zoe"))


class ReceivingTests(BotCase):
    async def test_a_killed_echo_bot_answers_everything_once_and_in_order(self) -> None:
        node, crowd = await self.with_alice()
        alice = crowd.people["alice"]
        for start in range(0, TEXTS, TEXTS // KILLS):
            bot = self.start_bot(node, ECHO_BOT)
            before = len(alice.handed)
            for number in range(start, start + TEXTS // KILLS):
                alice.send("bot", f"{number}")
            await until(reactor, lambda: len(alice.handed) > before, "an echo")  # noqa: B023
            await self.sleep(self.random.uniform(0.0, 0.02))
            await self.kill(bot)
        bot = self.start_bot(node, ECHO_BOT)
        await until(reactor, lambda: len(alice.handed) >= TEXTS, "every echo")
        await self.settle_and_check(crowd, node)
        log = node.stored().logs[ALICE_AND_BOT]
        echoes = [entry.content.decode() for entry in log if entry.sender == "bot"]
        self.assertEqual(echoes, [f"{number}" for number in range(TEXTS)])
        print(f"{TEXTS} echoes, {KILLS} kills")


class SendingTests(BotCase):
    async def test_what_a_killed_client_had_taken_goes_out_once_and_in_order(self) -> None:
        node, crowd = await self.with_alice()
        alice = crowd.people["alice"]
        sender = ["-m", "im.test.faults.sender"]
        bot = self.start_bot(node, *sender, IM_TEST_TO=ALICE_AND_BOT, IM_TEST_COUNT=f"{COUNT}")
        await until(reactor, lambda: len(alice.handed) > LEFT_OVER, "some of its texts")
        await self.kill(bot)
        taken = len(bot.out.splitlines())
        stored = len(node.stored().logs[ALICE_AND_BOT])
        again = self.start_bot(node, *sender, IM_TEST_TO=ALICE_AND_BOT, IM_TEST_COUNT="0")
        await until(reactor, lambda: again.has_ended, "the end of the second run")
        self.assertEqual(again.wait(), 0, again.err)
        await self.settle_and_check(crowd, node)
        texts = [entry.content.decode() for entry in node.stored().logs[ALICE_AND_BOT]]
        self.assertEqual(texts, [f"{number}" for number in range(len(texts))])
        self.assertGreaterEqual(len(texts), taken)
        print(f"{taken} texts taken, {stored} stored at the kill, {len(texts)} in the end")

    async def test_what_was_never_answered_goes_out_once_when_the_node_is_back(self) -> None:
        node, crowd = await self.with_alice()
        sender = ["-m", "im.test.faults.sender"]
        known = self.start_bot(node, *sender, IM_TEST_TO=ALICE_AND_BOT, IM_TEST_COUNT="1")
        await until(reactor, lambda: known.has_ended, "the end of the first run")
        await node.kill()
        for count in (20, 0):
            bot = self.start_bot(node, *sender, IM_TEST_TO=ALICE_AND_BOT, IM_TEST_COUNT=f"{count}")
            await until(reactor, lambda: len(bot.out.splitlines()) == count, "its texts")  # noqa: B023
            await self.kill(bot)
        node.start()
        last = self.start_bot(node, *sender, IM_TEST_TO=ALICE_AND_BOT, IM_TEST_COUNT="0")
        await until(reactor, lambda: last.has_ended, "the end of the last run")
        await self.settle_and_check(crowd, node)
        texts = [entry.content.decode() for entry in node.stored().logs[ALICE_AND_BOT]]
        self.assertEqual(texts, ["0", *(f"{number}" for number in range(20))])
