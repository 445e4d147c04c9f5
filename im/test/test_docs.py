"""The pages name only what is there: links, files, modules and functions."""

import importlib.util
import inspect
import pkgutil
import re
import shlex
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.cli.arguments import COMMANDS, make_parser
from im.tap.settings import SETTINGS
from im.test.docs_commands import commands
from im.test.markdown import ROOT, block, table

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"(?:im|docs|protocol|scripts|twisted)/[\w./-]*")
NAME = re.compile(r"im(?:\.\w+)+")
NO_MODULES = {"im.sqlite", "im.v1", "im.authenticators"}  # a file, a subprotocol, entry points
QUOTED = re.compile(r"^\s*```.*?^\s*```", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """Every page of the project."""
    docs = ROOT / "docs"
    folders = [ROOT, docs, docs / "decisions", docs / "deploy", ROOT / "protocol"]
    return [page for folder in folders for page in sorted(folder.glob("*.md"))]


def prose(page: Path) -> str:
    """The text without blocks of code."""
    return QUOTED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make."""
    heads = [line.lstrip("#").strip() for line in prose(page).splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def link_problem(page: Path, link: str) -> str:
    """Why a relative link leads nowhere, or nothing."""
    if re.match(r"[a-z]+:", link):
        return ""
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return f"{page.name}: {link} is not there"
    if anchor and anchor not in anchors(target):
        return f"{page.name}: {link} has no such heading"
    return ""


def is_there(name: str) -> bool:
    """Whether a dotted name is a module, or something in one; fields of instances count by annotation."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            continue
        if found is not None:
            try:
                pkgutil.resolve_name(f"{module}:{'.'.join(parts[length:])}")
            except AttributeError:
                return is_annotated(module, parts[length:])
            return True
    return False


def is_annotated(module: str, path: list[str]) -> bool:
    """Whether the last part of `path` is an annotated field of the class before it."""
    try:
        owner = pkgutil.resolve_name(f"{module}:{'.'.join(path[:-1])}")
    except AttributeError:
        return False
    return path[-1] in inspect.get_annotations(owner)


class DocsTest(SynchronousTestCase):
    def test_every_relative_link_leads_somewhere(self) -> None:
        problems = [link_problem(page, link) for page in pages() for link in LINK.findall(prose(page))]
        self.assertEqual([each for each in problems if each], [])

    def test_every_named_file_exists(self) -> None:
        missing = [
            f"{page.name}: {code}"
            for page in pages()
            for code in CODE.findall(prose(page))
            for path in code.split()
            if FILE.fullmatch(path) and not (ROOT / path).exists()
        ]
        self.assertEqual(missing, [])

    def test_every_named_module_and_function_exists(self) -> None:
        missing = [
            f"{page.name}: {code}"
            for page in pages()
            for code in CODE.findall(prose(page))
            if NAME.fullmatch(code) and code not in NO_MODULES and not is_there(code)
        ]
        self.assertEqual(missing, [])

    def test_every_command_can_be_found(self) -> None:
        self.assertGreater(sum(len(commands(page)) for page in pages()), 5)

    def test_every_command_is_one_that_is_there(self) -> None:
        for command in (each for page in pages() for each in commands(page) if not each.needs):
            program, *arguments = shlex.split(command.text)
            where = f"{command.page}:{command.line}"
            self.assertTrue((ROOT / program).exists(), where)
            if program == "scripts/imctl":
                self.assertIn(arguments[0], COMMANDS, where)
                if "--help" not in arguments:
                    self.assertEqual(make_parser().parse_args(arguments).command, arguments[0], where)

    def test_every_setting_is_explained(self) -> None:
        written = [row["setting"] for row in table(ROOT / "docs" / "operating.md", "setting", "meaning")]
        expected = [f"`{name}`" for name, setting in SETTINGS.items() if not setting.is_limit]
        self.assertEqual(written, expected)

    def test_the_bot_on_the_page_is_the_example(self) -> None:
        page = block(ROOT / "docs" / "bots.md", "python")
        example = (ROOT / "docs" / "examples" / "echo_bot.py").read_text(encoding="utf-8")
        lines = [line for line in example.splitlines() if line and not line.startswith('"""')]
        self.assertEqual([line for line in page.splitlines() if line], lines)

    def test_pages_are_found(self) -> None:
        names = {page.name for page in pages()}
        self.assertLessEqual({"README.md", "README.zh.md", "concepts.md", "0004-one-writer.md"}, names)


class CheckTest(SynchronousTestCase):
    """The checks above notice what is not there."""

    def test_a_missing_target_is_noticed(self) -> None:
        page = ROOT / "docs" / "concepts.md"
        self.assertEqual(link_problem(page, "guarantees.md"), "")
        self.assertEqual(link_problem(page, "https://example.com/nothing"), "")
        self.assertIn("is not there", link_problem(page, "nothing.md"))
        self.assertEqual(link_problem(page, "#the-principle"), "")
        self.assertIn("no such heading", link_problem(page, "#nothing"))

    def test_a_missing_name_is_noticed(self) -> None:
        for name in (
            "im.wire.hot",
            "im.wire.hot.deliver",
            "im.core.errors.Code.label",
            "im.ports.Session.fence",
        ):
            self.assertTrue(is_there(name), name)
        for name in ("im.nothing", "im.wire.hot.nothing", "im.core.errors.Code.nothing", "im.a.b.c"):
            self.assertFalse(is_there(name), name)
