"""What became of a message, beside it: whether it was edited, and the reactions to it."""

from im.cli.output import Json
from im.cli.records import Shown
from im.core.entries import EDIT, REACTION, RECALL
from im.core.folding import Fold, Reaction

FOLDED = frozenset({RECALL, EDIT, REACTION})
"""Kinds of entries that people see at what they refer to."""


def folded(entry: Shown, fold: Fold) -> Shown:
    """The entry with what became of it."""
    words = [entry.said]
    if fold.edited_seq:
        words.append("(edited)")
    if fold.reactions:
        words.append(f"[{', '.join(_in_words(each) for each in fold.reactions)}]")
    reactions: list[Json] = [
        {"reaction": each.reaction, "users": each.users, "own": each.is_own} for each in fold.reactions
    ]
    facts = {**entry.facts, "edited_seq": fold.edited_seq, "reactions": reactions}
    return entry._replace(said=" ".join(words), facts=facts)


def _in_words(reaction: Reaction) -> str:
    return reaction.reaction if reaction.users == 1 else f"{reaction.reaction} {reaction.users}"
