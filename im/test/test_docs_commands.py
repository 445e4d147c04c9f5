"""The parser of commands in pages."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.test.docs_commands import Command, commands

PAGE = """\
# A page
```sh
# a comment
scripts/run

imctl send --as alice \\
    --to bob hello
```
```python
print("none")
```
- in a list:
  ```sh
  scripts/test
  ```
```
no language
```
"""


class CommandsTest(SynchronousTestCase):
    def page(self, text: str) -> Path:
        path = Path(self.mktemp())
        path.write_text(text, encoding="utf-8")
        return path

    def test_commands_are_the_lines_of_sh_blocks(self) -> None:
        page = self.page(PAGE)
        self.assertEqual(
            commands(page),
            [
                Command(page.name, 4, "scripts/run"),
                Command(page.name, 6, "imctl send --as alice --to bob hello"),
                Command(page.name, 14, "scripts/test"),
            ],
        )

    def test_what_a_command_needs_stands_before_its_block(self) -> None:
        page = self.page("Now (needs root, systemd):\n\n```sh\nid\n```\n\nThen:\n```sh\nls\n```\n")
        self.assertEqual(
            [(each.text, each.needs) for each in commands(page)], [("id", "root, systemd"), ("ls", "")]
        )

    def test_a_block_that_does_not_end_is_an_error(self) -> None:
        self.assertRaises(ValueError, commands, self.page("```sh\nscripts/run\n"))
