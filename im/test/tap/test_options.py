"""Tests of `im.tap.options`."""

import os
from pathlib import Path

from twisted.scripts._twistd_unix import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from im.tap.options import Options
from im.tap.settings import SETTINGS


class OptionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        for name in list(os.environ):
            if name.startswith("IM_"):
                value = os.environ.pop(name)
                self.addCleanup(os.environ.__setitem__, name, value)

    def parsed(self, *arguments: str) -> Options:
        options = Options()
        options.parseOptions(list(arguments))
        return options

    def refusal(self, *arguments: str) -> str:
        with self.assertRaises(SystemExit) as caught:
            self.parsed(*arguments)
        return str(caught.exception.code)

    def test_help_lists_every_setting(self) -> None:
        shown = str(Options())
        for setting in SETTINGS.values():
            self.assertIn(f"{setting.option}=", shown)

    def test_repeated_options_add_up(self) -> None:
        config = self.parsed(
            "--listen", "tcp:1", "--trusted-proxies", "10.0.0.0/8", "--listen", "tcp:2"
        ).config
        self.assertEqual((config.listen, config.trusted_proxies), (("tcp:1", "tcp:2"), ("10.0.0.0/8",)))

    def test_an_option_with_hyphens_sets_the_field(self) -> None:
        config = self.parsed("--same-class=replace", "--drain-seconds=2.5").config
        self.assertEqual((config.same_class, config.limits.drain_seconds), ("replace", 2.5))

    def test_a_wrong_command_line_ends_with_one_sentence(self) -> None:
        for arguments in (["--usres=open"], ["--users"], ["run"], ["--users=all"], ["--config=/nowhere"]):
            sentence = self.refusal(*arguments)
            self.assertTrue(sentence.startswith("im-gateway: "), sentence)
            self.assertEqual(sentence.count("\n"), 0, sentence)

    def test_the_environment_is_read(self) -> None:
        self.patch(os, "environ", {"IM_STATE_DIR": "/tmp/somewhere"})
        self.assertEqual(self.parsed().config.state_dir, Path("/tmp/somewhere"))

    def test_twistd_knows_the_command_and_gets_our_logger(self) -> None:
        twistd = ServerOptions()
        twistd.parseOptions(["-n", "im-gateway", "--log=text"])
        self.assertIsInstance(twistd.subOptions, Options)
        self.assertTrue(callable(twistd["logger"]))
