"""How a change of a group or of a message is told."""

from im.cli.output import Json, Output, shown
from im.client.grouped import Outcome


def tell(outcome: Outcome, output: Output) -> None:
    """What became of a change."""
    record: dict[str, Json] = {"conversation": outcome.conversation, "seq": outcome.seq}
    output.record(record, shown(f"{outcome.conversation}: {_words(outcome)}"))


def tell_group(outcome: Outcome, output: Output) -> None:
    """What became of a change of a group."""
    output.record(outcome._asdict(), shown(f"{outcome.conversation}: {_words(outcome)}"))


def _words(outcome: Outcome) -> str:
    if outcome.asked:
        return "asked; an admin has to approve"
    return f"done, entry {outcome.seq} tells of it" if outcome.seq else "done, no entry tells of it"
