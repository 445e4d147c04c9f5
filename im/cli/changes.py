"""How a change of a group, of a message, or of one's own place is told."""

from im.cli.output import Json, Output, shown
from im.client.grouped import Outcome, Place


def tell(outcome: Outcome, output: Output) -> None:
    """What became of a change."""
    record: dict[str, Json] = {"conversation": outcome.conversation, "seq": outcome.seq}
    output.record(record, shown(f"{outcome.conversation}: {_words(outcome)}"))


def tell_group(outcome: Outcome, output: Output) -> None:
    """What became of a change of a group."""
    output.record(outcome._asdict(), shown(f"{outcome.conversation}: {_words(outcome)}"))


def tell_place(place: Place, output: Output) -> None:
    """What one sees of a conversation after a change for oneself."""
    said = f"seen from {place.visible_from} on, {place.unread} unread"
    output.record(place._asdict(), shown(f"{place.conversation}: {said}"))


def _words(outcome: Outcome) -> str:
    if outcome.asked:
        return "asked; an admin has to approve"
    return f"done, entry {outcome.seq} tells of it" if outcome.seq else "done, no entry tells of it"
