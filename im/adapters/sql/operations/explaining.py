"""Unread numbers laid open: the terms of one, and all of them beside a recount."""

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.gone import deleted_after, recalled_after
from im.adapters.sql.operations.places import ONE_PLACE, place_of
from im.adapters.sql.operations.recount import first_of, recounted, span_of, spans_after
from im.core.entries import shown
from im.core.errors import Refused
from im.core.explaining import (
    MOST_SHOWN,
    CountedMessage,
    ExplainUnread,
    Mark,
    UnreadDifference,
    UnreadExplained,
    UnreadVerified,
    VerifyUnread,
)
from im.core.ids import id_problem
from im.core.validation import conversation_problem, page_problem, unknown_conversation

PLACES_AT_ONCE = 200
ENTRIES_AT_ONCE = 50_000
"""A page of a recount ends after either, so that no transaction is long."""


def explained(connection: Connection, query: ExplainUnread) -> UnreadExplained | Refused:
    """Each term of one user's unread number in one conversation."""
    problem = id_problem(query.user, "user") or conversation_problem(query.conversation, query.user)
    if problem is not None:
        return problem
    row = connection.execute(ONE_PLACE, (query.user, query.conversation)).fetchone()
    span = span_of(connection, query.conversation, query.user)
    if row is None or span is None:
        return unknown_conversation()
    place = place_of(row)
    cursors = place.cursors
    seen = Mark(*cursors.seen())
    asked = (query.conversation, query.user, seen.seq, place.head_seq)
    first = first_of(connection, span, MOST_SHOWN)
    return UnreadExplained(
        conversation=query.conversation,
        user=query.user,
        unread=place.unread(connection),
        head=Mark(place.head_seq, place.head_n),
        seen=seen,
        read=Mark(cursors.read_seq, cursors.read_n),
        own_last=Mark(cursors.own_last_seq, cursors.own_last_n),
        clear=Mark(cursors.clear_seq, cursors.clear_n),
        join=Mark(cursors.join_seq - 1, cursors.join_n),
        own_after=cursors.own_after,
        recalled=recalled_after(connection, *asked),
        deleted=deleted_after(connection, *asked),
        recounted=recounted(connection, span),
        messages=tuple(CountedMessage(seq, shown(kind), user, at) for seq, kind, user, at in first),
        marked=bool(place.keepings.marked),
        muted=bool(place.keepings.muted),
    )


def verified(connection: Connection, query: VerifyUnread) -> UnreadVerified | Refused:
    """A page of places, each counted twice."""
    problem = page_problem(query.after_conversation) or page_problem(query.after_user)
    if problem is None and query.user:
        problem = id_problem(query.user, "user")
    if problem is not None:
        return problem
    after = (query.after_conversation, query.after_user)
    spans = spans_after(connection, query.user, *after, PLACES_AT_ONCE + 1)
    differences: list[UnreadDifference] = []
    left = ENTRIES_AT_ONCE
    done = 0
    for span in spans[:PLACES_AT_ONCE]:
        if done and span.entries > left:
            break
        left -= span.entries
        done += 1
        row = connection.execute(ONE_PLACE, (span.user, span.conversation)).fetchone()
        unread, again = place_of(row).unread(connection), recounted(connection, span)
        if unread != again:
            differences.append(UnreadDifference(span.conversation, span.user, unread, again))
    page = UnreadVerified(done, tuple(differences))
    if done == len(spans):
        return page
    last = spans[done - 1]
    return page._replace(next_conversation=last.conversation, next_user=last.user)
