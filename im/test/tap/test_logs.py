"""Tests of `im.tap.logs`."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

from twisted.logger import Logger, LogLevel, LogPublisher, globalLogPublisher
from twisted.python import log
from twisted.python.failure import Failure
from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase

from im.tap.logs import direct_twistd, observer


class LogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.stream = StringIO()

    def logger(self, form: str = "json", level: str = "info", namespace: str = "im.gateway") -> Logger:
        return Logger(namespace=namespace, observer=LogPublisher(observer(self.stream, form, level)))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def test_an_event_is_one_object_with_its_scalars(self) -> None:
        self.logger().info("{user} left", user="alice", seconds=1.5, clean=True, link=object())
        (line,) = self.lines()
        self.assertRegex(line.pop("ts"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(
            line,
            {
                "level": "info",
                "logger": "im.gateway",
                "msg": "alice left",
                "user": "alice",
                "seconds": 1.5,
                "clean": True,
            },
        )

    def test_a_key_of_an_event_cannot_forge_ours(self) -> None:
        self.logger().info("a\nb", logger="x", msg="x")
        (line,) = self.lines()
        self.assertEqual((line["logger"], line["msg"]), ("im.gateway", "a\nb"))

    def test_a_failure_is_in_exc(self) -> None:
        self.logger().failure("broken", Failure(ZeroDivisionError("by zero")))
        (line,) = self.lines()
        self.assertIn("by zero", line["exc"])

    def test_text_is_for_people(self) -> None:
        self.logger("text").failure("broken {what}", Failure(ZeroDivisionError("by zero")), what="pipe")
        first, *trace = self.stream.getvalue().splitlines()
        self.assertTrue(first.endswith("critical im.gateway: broken pipe"), first)
        self.assertIn("by zero", "".join(trace))

    def test_what_is_below_the_level_is_left_out(self) -> None:
        self.logger(level="warn").info("quiet")
        self.logger(level="warn").warn("loud")
        self.assertEqual([line["msg"] for line in self.lines()], ["loud"])

    def test_twisted_speaks_from_warnings_on(self) -> None:
        self.logger(namespace="twisted.web.server").info("Site starting")
        self.logger(namespace="twisted.web.server").error("broken")
        self.assertEqual([line["msg"] for line in self.lines()], ["broken"])

    def test_an_old_style_error_is_heard(self) -> None:
        quiet = observer(self.stream, "json", "info")
        self.addCleanup(globalLogPublisher.removeObserver, quiet)
        globalLogPublisher.addObserver(quiet)
        log.msg("chatter")
        log.err(ZeroDivisionError("x"), "bad")
        self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual([line["level"] for line in self.lines()], ["critical"])

    def test_twistd_is_given_a_file_where_it_names_one(self) -> None:
        path = Path(self.mktemp()).resolve()
        options: dict[str, Any] = {"logfile": str(path), "logger": None}
        direct_twistd(options, "json", "info")
        event = {"log_namespace": "im", "log_level": LogLevel.info, "log_format": "hello", "log_time": 0.0}
        namedAny(options["logger"])()(event)
        self.assertEqual(json.loads(path.read_text())["msg"], "hello")

    def test_a_logger_that_the_operator_named_stays(self) -> None:
        for options in ({"logger": self.logger}, {"logger": None, "syslog": 1}):
            given: dict[str, Any] = dict(options)
            direct_twistd(given, "json", "info")
            self.assertEqual(given, options)
