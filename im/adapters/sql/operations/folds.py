"""What became of the entries of a page: edits and reactions, and what the reader deleted for themselves."""

from im.adapters.sql.operations.connection import Connection
from im.core.entries import EDIT, PLACEHOLDER, REACTION, RECALLED
from im.core.folding import Fold, Reaction
from im.core.messages import Entry

_FOLDS = (
    "SELECT target_seq, kind, value, count(*), max(seq), max(CASE WHEN sender = ? THEN 1 ELSE 0 END)"
    f" FROM message_change WHERE conversation_id = ? AND kind IN ({EDIT}, {REACTION})"
    " AND target_seq BETWEEN ? AND ? AND seq <= ?"
    " GROUP BY target_seq, kind, value ORDER BY target_seq, kind, value"
)
_EDITED_LATER = (
    f"SELECT target_seq FROM message_change WHERE conversation_id = ? AND kind = {EDIT}"
    " AND target_seq BETWEEN ? AND ? AND seq > ?"
)
_DELETED = "SELECT seq FROM deleted_entry WHERE conversation_id = ? AND user_id = ? AND seq BETWEEN ? AND ?"

FOLD_BYTES = 24
REACTION_BYTES = 16


def folds_of(
    connection: Connection, place: tuple[str, str], head_seq: int, first: int, last: int
) -> dict[int, Fold]:
    """By the seqs of those that entries up to `head_seq` refer to; `place` is conversation and user."""
    folds: dict[int, Fold] = {}
    conversation, user = place
    for seq, kind, value, count, newest, is_own in connection.execute(
        _FOLDS, (user, conversation, first, last, head_seq)
    ):
        fold = folds.get(seq) or Fold(seq, 0, ())
        if kind == EDIT:
            folds[seq] = fold._replace(edited_seq=newest)
        else:
            folds[seq] = fold._replace(reactions=(*fold.reactions, Reaction(value, count, bool(is_own))))
    return folds


def fold_size(fold: Fold | None) -> int:
    """How many bytes a fold takes on the wire, at most."""
    if fold is None:
        return 0
    return FOLD_BYTES + sum(REACTION_BYTES + len(each.reaction.encode()) for each in fold.reactions)


def edited_later(
    connection: Connection, conversation: str, head_seq: int, first: int, last: int
) -> frozenset[int]:
    """The seqs of entries that were edited behind `head_seq`: what they said before isn't there any more."""
    rows = connection.execute(_EDITED_LATER, (conversation, first, last, head_seq))
    return frozenset(seq for (seq,) in rows)


def taken_back(entry: Entry) -> Entry:
    """What is left of an entry for who may not see what it says by now."""
    return entry._replace(kind=RECALLED, content=b"")


def deleted_of(connection: Connection, conversation: str, user: str, first: int, last: int) -> frozenset[int]:
    """The seqs that a user deleted for themselves."""
    return frozenset(seq for (seq,) in connection.execute(_DELETED, (conversation, user, first, last)))


def deleted(entry: Entry) -> Entry:
    """What is left of an entry for who deleted it: its place in the log."""
    return entry._replace(kind=PLACEHOLDER, sender="", client_msg_id=b"", content=b"")
