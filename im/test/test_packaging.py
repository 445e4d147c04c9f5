"""Each way to install the project gives a working one, and Twisted stays whole."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("im", "twisted", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
DEV_PACKAGES = Path(str(distribution("twisted").locate_file(""))).resolve()
_CLIENT = """
import importlib, pkgutil, im.client, im.handler
for module in pkgutil.walk_packages(im.client.__path__, "im.client."):
    importlib.import_module(module.name)
print(im.__version__)
try:
    import sqlalchemy
except ImportError:
    print("no server here")
"""
_OUTBOX = """
import sys
from sqlalchemy import create_engine
from im.outbox import create_tables, push
engine = create_engine("sqlite://")
create_tables(engine)
with engine.begin() as connection:
    push(connection, "alice", {"order": 7, "paid": True})
print(*sorted({name.split(".")[0] for name in sys.modules} & {"twisted", "google", "msgspec", "zope"}))
print(*sorted(name for name in sys.modules if name.startswith("im.") and name.count(".") == 1))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; fails with all its output if it does."""
    # A worker of trial has a PYTHONPATH that leads to the checkout.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def required(name: str, extras: frozenset[str]) -> Iterator[Distribution]:
    """The distributions that one needs with some of its extras, and theirs, without itself."""
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        markers = [{"extra": extra} for extra in extras or {""}]
        if requirement.marker and not any(requirement.marker.evaluate(marker) for marker in markers):
            continue
        try:
            yield distribution(requirement.name)
        except PackageNotFoundError:
            continue
        yield from required(requirement.name, frozenset(requirement.extras))


class PackagingTests(SynchronousTestCase):
    uses_processes = True

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.source = self.folder / "source"
        self.source.mkdir(parents=True)
        for name in SHIPPED:
            origin = ROOT / name
            if origin.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "dropin.cache", "test")
                shutil.copytree(origin, self.source / name, ignore=ignored)
            else:
                shutil.copy(origin, self.source / name)
        self.venv = self.folder / "venv"

    def build(self, kind: str) -> Path:
        code = f"from setuptools import build_meta; print(build_meta.build_{kind}('dist'))"
        name = run(sys.executable, "-c", code, cwd=self.source).split()[-1]
        return self.source / "dist" / name

    def make_venv(self, packages: Path = DEV_PACKAGES) -> Path:
        """A fresh venv without pip that sees `packages`; returns its own site-packages."""
        run(sys.executable, "-m", "venv", "--without-pip", self.venv, cwd=self.folder)
        (site,) = (self.venv / "lib").glob("python*/site-packages")
        (site / "dependencies.pth").write_text(f"{packages}\n")
        return site

    def install(self, *what: str | Path) -> None:
        python = self.venv / "bin" / "python"
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
        pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--ignore-installed")
        run(*pip, *options, *what, cwd=self.folder)

    def assert_twistd_finds_us(self, site: Path) -> None:
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        python = self.venv / "bin" / "python"
        self.assertIn("im-gateway", run(python, "-m", "im", "--help", cwd=elsewhere))
        where = run(python, "-c", "import im; print(im.__file__)", cwd=elsewhere).strip()
        self.assertIn(Path(where).parents[1], (site, self.source))

    def test_a_wheel_works_and_adds_one_file_to_twisted(self) -> None:
        wheel = self.build("wheel")
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        ours = [name for name in names if name.startswith("twisted/")]
        self.assertEqual(ours, ["twisted/plugins/im_plugins.py"])
        self.assertIn("im/py.typed", names)
        self.assertEqual(
            {name.split("/")[0] for name in names if ".dist-info" not in name}, {"im", "twisted"}
        )
        site = self.make_venv()
        self.install(wheel)
        self.assert_twistd_finds_us(site)

    def test_a_source_distribution_works(self) -> None:
        sdist = self.build("sdist")
        site = self.make_venv()
        self.install(sdist)
        self.assert_twistd_finds_us(site)

    def test_an_editable_installation_works(self) -> None:
        site = self.make_venv()
        self.install("-e", self.source)
        self.assert_twistd_finds_us(site)

    def install_with(self, extras: frozenset[str]) -> None:
        """Install the wheel into a venv that has what these extras need, and no more."""
        packages = self.folder / "packages"
        packages.mkdir()
        for needed in required("im-gateway", extras):
            for file in needed.files or ():
                top = file.parts[0]
                if re.match(r"[A-Za-z_]", top) and not (packages / top).exists():
                    (packages / top).symlink_to(DEV_PACKAGES / top)
        self.make_venv(packages)
        self.install(self.build("wheel"))

    def test_the_base_installation_is_enough_for_a_client(self) -> None:
        self.install_with(frozenset())
        told = run(self.venv / "bin" / "python", "-c", _CLIENT, cwd=self.folder)
        self.assertEqual(told.split("\n")[1:], ["no server here", ""])

    def test_the_outbox_is_enough_for_a_back_end_that_pushes(self) -> None:
        self.install_with(frozenset({"outbox"}))
        told = run(self.venv / "bin" / "python", "-c", _OUTBOX, cwd=self.folder)
        self.assertEqual(told.split("\n"), ["", "im.core im.outbox", ""])
