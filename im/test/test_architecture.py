"""The house keeps its shape: layers, sizes, and what nobody writes."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "im" / "proto"
MODULE_LINES = 400
FUNCTION_LINES = 50
ERROR_BOUNDARIES = {"im/gateway/dispatch.py", "im/adapters/amqp/jobs.py"}
"""The modules that may catch everything: what fails there is one message's trouble, not the process's."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> Iterator[tuple[str, str]]:
    """Each module that people write: its path from the root, its text."""
    for folder in ("im", "twisted", "docs"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if GENERATED not in path.parents:
                yield str(path.relative_to(ROOT)), path.read_text("utf-8")


def nodes(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[str, ast.AST]]:
    """Each syntax node of a kind, with its module."""
    for name, text in modules():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, kind):
                yield name, node


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether it catches `Exception` and does not raise it again."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {each.id if isinstance(each, ast.Name) else None for each in caught}
    is_broad = handler.type is None or bool(names & {"Exception", "BaseException"})
    return is_broad and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))


class LayerTests(SynchronousTestCase):
    uses_processes = True

    def test_each_layer_imports_only_what_stands_below_it(self) -> None:
        done = subprocess.run(
            [Path(sys.executable).with_name("lint-imports"), "--config", ROOT / "setup.cfg", "--no-cache"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)


class ArchitectureTests(SynchronousTestCase):
    def test_the_twistd_stub_imports_nothing_of_ours(self) -> None:
        tree = ast.parse((ROOT / "twisted/plugins/im_plugins.py").read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        self.assertEqual(imported, {"twisted.application.service"})
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])

    def test_no_module_is_long(self) -> None:
        lines = {name: text.count("\n") for name, text in modules()}
        self.assertGreater(len(lines), 50)
        self.assertEqual({name: count for name, count in lines.items() if count > MODULE_LINES}, {})

    def test_no_function_is_long(self) -> None:
        long = {}
        for name, node in nodes((ast.FunctionDef, ast.AsyncFunctionDef)):
            assert isinstance(node, Function)
            count = (node.end_lineno or 0) - node.lineno + 1
            if count > FUNCTION_LINES:
                long[f"{name}:{node.name}"] = count
        self.assertEqual(long, {})

    def test_nobody_uses_inline_callbacks(self) -> None:
        users = {name for name, node in nodes(ast.Name) if getattr(node, "id", "") == "inlineCallbacks"}
        users |= {name for name, node in nodes(ast.alias) if getattr(node, "name", "") == "inlineCallbacks"}
        self.assertEqual(users, set())

    def test_everything_is_caught_at_the_error_boundaries_only(self) -> None:
        catchers = {
            name
            for name, node in nodes(ast.ExceptHandler)
            if isinstance(node, ast.ExceptHandler) and catches_everything(node)
        }
        self.assertEqual(catchers - ERROR_BOUNDARIES, set())
