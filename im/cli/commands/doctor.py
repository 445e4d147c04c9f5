"""`imctl doctor`."""

from argparse import Namespace

from im.cli.checks import Finding, findings
from im.cli.failures import failed
from im.cli.output import Output
from im.cli.place import state_folder


def run(arguments: Namespace, output: Output) -> None:
    """Check the local node; fails if anything is to be done."""
    found = findings(state_folder(arguments))
    for each in found:
        output.record({"check": each.check, "ok": each.is_ok, "text": each.text}, line(each))
    ill = [each.check for each in found if not each.is_ok]
    if ill:
        raise failed(f"to be put right: {', '.join(ill)}", "not_ok")


def line(finding: Finding) -> str:
    """A finding for people."""
    return f"{'ok ' if finding.is_ok else 'FIX'}  {finding.check:9} {finding.text}"
