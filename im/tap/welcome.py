"""What `scripts/run` prints when the node is ready."""

import shlex
from pathlib import Path

from im.tap.statedir import NodeFile


def text(told: NodeFile, state_dir: Path, root: Path) -> str:
    """`ready`, the addresses, the state folder, and three lines to paste into other terminals."""
    imctl = "scripts/imctl" if Path.cwd() == root else shlex.quote(str(root / "scripts" / "imctl"))
    where = "" if state_dir == root / "var" else f" --state-dir {shlex.quote(str(state_dir))}"
    lines = [
        "ready",
        f"  clients            {' '.join(told.listen)}",
        *([f"  HTTP, WebSocket    {told.http} {told.websocket}"] if told.http else []),
        *([f"  health, metrics    {told.admin}"] if told.admin else []),
        f"  state folder       {state_dir} (SQLite, nothing else needed)",
        "",
        "Paste into other terminals:",
        f"  {imctl} chat{where} --as alice --to bob",
        f"  {imctl} chat{where} --as bob --to alice",
        f"  {imctl} tail{where} --as carol",
    ]
    return "\n".join(lines)
