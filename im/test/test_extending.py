"""The page for extenders shows the example as it is."""

from twisted.trial.unittest import SynchronousTestCase

from im.test.markdown import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")
EXAMPLE = ROOT / "docs" / "examples" / "vote"


class ExtendingTests(SynchronousTestCase):
    def block(self, language: str, part: int = 0) -> str:
        """The text of a block of the page."""
        return PAGE.split(f"```{language}\n")[1 + part].partition("```")[0]

    def test_each_block_is_part_of_the_example(self) -> None:
        for language, part, path in (
            ("proto", 0, "im_vote/vote.proto"),
            ("python", 0, "im_vote/handler.py"),
            ("python", 1, "tests/test_vote.py"),
            ("toml", 0, "pyproject.toml"),
        ):
            self.assertIn(self.block(language, part).strip(), (EXAMPLE / path).read_text("utf-8"), path)

    def test_the_handler_and_its_test_are_short(self) -> None:
        for part, most in ((0, 15), (1, 20)):
            lines = [line for line in self.block("python", part).splitlines() if line.strip()]
            self.assertLessEqual(len(lines), most)
