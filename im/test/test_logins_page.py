"""The authenticator of `docs/logins.md` is one."""

import configparser
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, RefusedError
from im.ports import IAuthenticator
from im.tap.logins import GROUP
from im.test.markdown import ROOT, block

PAGE = ROOT / "docs" / "logins.md"


class LoginsPageTest(SynchronousTestCase):
    def test_the_example_is_an_authenticator(self) -> None:
        module: dict[str, Any] = {}
        exec(compile(block(PAGE, "python"), "logins.md", "exec"), module)
        made: Any = module["make_authenticator"]({"users": {"t": "alice"}}, None)
        self.assertTrue(IAuthenticator.providedBy(made))
        self.assertEqual("alice", self.successResultOf(made.authenticate("t")).user)
        error = self.failureResultOf(made.authenticate("x"), RefusedError).value
        assert isinstance(error, RefusedError)
        self.assertEqual(Code.UNAUTHENTICATED, error.refused.code)

    def test_the_entry_point_is_in_the_group_that_is_read(self) -> None:
        parser = configparser.ConfigParser()
        parser.read_string(block(PAGE, "ini"))
        self.assertEqual([GROUP], parser.options("options.entry_points"))

    def test_every_reason_of_a_refusal_is_explained(self) -> None:
        table = PAGE.read_text(encoding="utf-8").partition("| reason | what |")[2]
        for folder in ("jwt", "token"):
            for module in sorted((ROOT / "im" / "adapters" / folder).glob("*.py")):
                for part in module.read_text(encoding="utf-8").split('TokenRefusedError("')[1:]:
                    self.assertIn(f"`{part.partition(chr(34))[0]}`", table, module.name)
