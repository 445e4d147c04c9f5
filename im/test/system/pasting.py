"""Commands of pages, run as a reader would paste them."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from im.test.system.imctl import Ended, run_to_its_end
from im.test.system.processes import BIN, ROOT

VENV = ".venv/bin"


def paste(text: str, environ: Mapping[str, str] = {}, folder: Path = ROOT, lines: bytes = b"") -> Ended:
    """Run a command, with `lines` on its stdin and the programs of this venv. It must end well."""
    of_this_venv = text.replace(VENV, shlex.quote(str(BIN)))
    ended = run_to_its_end(["/bin/sh", "-c", of_this_venv], folder, environ, lines)
    if ended.status:
        raise AssertionError(f"{text} ended with status {ended.status}: {ended.out}{ended.err}")
    return ended
