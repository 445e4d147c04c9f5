"""The table of `docs/limits.md`, made from the code.

`python -m im.test.core.limits_table --write` brings the page up to date.
"""

import sys
from dataclasses import fields
from pathlib import Path

from im.core.limits import Limits

PAGE = Path(__file__).parents[3] / "docs" / "limits.md"
HEAD = """\
# Limits

Every limit of a node, with its default. Each name is also an option of the configuration
([operating.md](operating.md)). All must be positive; `frame_bytes` is at most 262144 and exceeds
`content_bytes` and `page_bytes` by at least 1024. Clients learn those that concern them at login.

| name | default | unit | what |
|---|---|---|---|
"""
FOOT = """
Not configurable: a user or device id has at most 64 characters; a `client_msg_id` has 16 bytes.
"""


def page() -> str:
    """The whole page."""
    rows = (
        f"| `{each.name}` | {each.default:g} | {each.metadata['unit']} | {each.metadata['what']} |\n"
        if isinstance(each.default, float)
        else f"| `{each.name}` | {each.default} | {each.metadata['unit']} | {each.metadata['what']} |\n"
        for each in fields(Limits)
    )
    return HEAD + "".join(rows) + FOOT


def main(arguments: list[str]) -> None:
    """Print the page, or write it with `--write`."""
    if arguments == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())


if __name__ == "__main__":
    main(sys.argv[1:])
