"""Tests of `im.tap.node` and `im.tap.process`."""

import os
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.core.limits import Limits
from im.tap.config import Config
from im.tap.node import STOP_GRACE_SECONDS, NodeService, Parts, StartError, sentence
from im.tap.process import end_with_parent
from im.tap.statedir import NodeFile, read_node_file


class FakeParts:
    """Parts that start and stop when the test says so."""

    def __init__(self) -> None:
        self.started: Deferred[NodeFile] = Deferred()
        self.stopped: Deferred[None] = Deferred()
        self.reloads = 0
        self.reload_error: ValueError | None = None

    async def start(self) -> NodeFile:
        return await self.started

    async def stop(self) -> None:
        await self.stopped

    def reload(self) -> None:
        self.reloads += 1
        if self.reload_error is not None:
            raise self.reload_error


class NodeServiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.clock = Clock()
        self.parts = FakeParts()
        self.sentences: list[str] = []
        config = Config(state_dir=self.folder, limits=Limits(drain_seconds=8))
        self.states: list[str] = []
        self.service = NodeService(config, self.clock, self.build, self.sentences.append, self.states.append)
        self.told = NodeFile("node-1", os.getpid(), "0.1.0", "open", ("tcp:h:1",), "", "", "")

    def build(self, end: Callable[[str], None]) -> Parts:
        self.end = end
        return self.parts

    def test_node_json_appears_when_the_parts_have_started(self) -> None:
        self.service.startService()
        self.assertIsNone(read_node_file(self.folder))
        self.parts.started.callback(self.told)
        self.assertEqual(read_node_file(self.folder), self.told)

    def test_the_supervisor_is_told_when_it_is_ready_and_when_it_begins_to_stop(self) -> None:
        self.service.startService()
        self.assertEqual(self.states, [])
        self.parts.started.callback(self.told)
        self.assertEqual(self.states, ["READY=1"])
        stopping = self.service.stopService()
        self.assertEqual(self.states, ["READY=1", "STOPPING=1"])
        self.parts.stopped.callback(None)
        self.successResultOf(stopping)

    def test_a_stop_waits_for_the_drain_and_takes_node_json_away(self) -> None:
        self.service.startService()
        self.parts.started.callback(self.told)
        stopping = self.service.stopService()
        self.assertNoResult(stopping)
        self.parts.stopped.callback(None)
        self.successResultOf(stopping)
        self.assertIsNone(read_node_file(self.folder))

    def test_a_drain_that_never_ends_is_given_up(self) -> None:
        self.service.startService()
        self.parts.started.callback(self.told)
        stopping = self.service.stopService()
        self.clock.advance(8 + STOP_GRACE_SECONDS)
        self.successResultOf(stopping)

    def test_a_stop_that_fails_still_ends(self) -> None:
        self.service.startService()
        stopping = self.service.stopService()
        self.parts.stopped.errback(ZeroDivisionError())
        self.successResultOf(stopping)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_stop_during_the_start_cancels_it(self) -> None:
        self.service.startService()
        stopping = self.service.stopService()
        self.parts.stopped.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(self.sentences, [])
        self.assertIsNone(read_node_file(self.folder))

    def test_a_refused_start_ends_the_process_with_its_sentence(self) -> None:
        self.service.startService()
        self.parts.started.errback(StartError("the key is bad; make another."))
        self.assertEqual(self.sentences, ["the key is bad; make another."])

    def test_an_occupied_port_is_named_with_the_fix(self) -> None:
        error = CannotListenError("127.0.0.1", 7222, OSError(98, "Address already in use"))
        self.assertEqual(
            sentence(error),
            "cannot listen on 127.0.0.1:7222 (Address already in use); "
            "end what uses it, or choose another endpoint.",
        )

    def test_a_file_that_is_in_the_way_is_named_with_the_fix(self) -> None:
        self.assertEqual(
            sentence(PermissionError(13, "Permission denied", "/s/im.sqlite")),
            "/s/im.sqlite: Permission denied; change its rights, or choose another --state-dir.",
        )

    def test_an_unforeseen_error_is_logged_and_ends_the_process(self) -> None:
        self.service.startService()
        self.parts.started.errback(ZeroDivisionError("oops"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(len(self.sentences), 1)
        self.assertIn("oops", self.sentences[0])

    def test_parts_may_end_the_process(self) -> None:
        self.service.startService()
        self.end("the disk is gone.")
        self.assertEqual(self.sentences, ["the disk is gone."])

    def test_certificates_that_cannot_be_read_leave_the_node_running(self) -> None:
        self.service.startService()
        self.service.reload()
        self.parts.reload_error = ValueError("no key")
        self.service.reload()
        self.assertEqual((self.parts.reloads, self.sentences), (2, []))


class ProcessTests(SynchronousTestCase):
    def test_a_process_whose_parent_has_gone_ends(self) -> None:
        self.assertRaises(SystemExit, end_with_parent, os.getpid())
