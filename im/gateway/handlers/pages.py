"""PULL and SYNC: what is stored, page by page; a connection waits for few pages at a time."""

from collections.abc import Callable

from im.core.commands import Query, Result
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import Pull, PullPage, Sync, SyncPage
from im.core.validation import after_problem, conversation_problem, seq_problem
from im.gateway import translate
from im.gateway.context import GatewayContext, GatewayHandler
from im.gateway.groups import Groups
from im.gateway.validate import cursor_problem
from im.proto import sync_pb2
from im.wire import types

_TOO_MANY = Refused(Code.RATE_LIMITED, "too many pages are asked for at once", "", 100)


def _submit(context: GatewayContext, query: Query, on_page: Callable[[GatewayContext, Result], None]) -> None:
    """Ask for a page. Pages are large, so what a client doesn't read of them must stay little."""
    connection = context.connection
    if connection.pages_in_flight >= connection.limits.pages_in_flight:
        context.refuse(_TOO_MANY)
        return
    connection.pages_in_flight += 1
    context.submit(query, on_page)


class PullHandler(GatewayHandler):
    """Entries of a conversation."""

    type = types.PULL
    body = sync_pb2.Pull

    def __init__(self, limits: Limits) -> None:
        self._page_entries = limits.page_entries

    def handle(self, context: GatewayContext, body: sync_pb2.Pull) -> None:
        """Check the request and ask for the page."""
        user = context.user
        problem = conversation_problem(body.conversation, user) or seq_problem(body.from_seq, "from_seq")
        if problem is not None:
            context.refuse(problem)
            return
        limit = min(body.limit or self._page_entries, self._page_entries)
        _submit(context, Pull(body.conversation, user, body.from_seq, body.backward, limit), _pulled)


def _pulled(context: GatewayContext, result: Result) -> None:
    context.connection.pages_in_flight -= 1
    if isinstance(result, PullPage):
        context.reply(
            sync_pb2.Page(
                conversation=result.conversation,
                epoch=result.epoch,
                entries=[translate.entry(each) for each in result.entries],
                visible_from=result.visible_from,
                head_seq=result.head_seq,
                active=result.active,
                member_version=result.member_version,
                read_seq=result.read_seq,
                peer_read_seq=result.peer_read_seq,
                peer_delivered_seq=result.peer_delivered_seq,
                more=result.more,
                folds=[translate.fold(each) for each in result.folds],
            )
        )
    else:
        assert isinstance(result, Refused)
        context.refuse(result)


class SyncHandler(GatewayHandler):
    """Heads of what changed."""

    type = types.SYNC
    body = sync_pb2.Sync

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    def handle(self, context: GatewayContext, body: sync_pb2.Sync) -> None:
        """Check the request and ask for the page."""
        cursor = translate.sync_cursor(body.cursor) if body.HasField("cursor") else None
        problem = cursor_problem(body.cursor) or after_problem(body.after)
        if problem is not None:
            context.refuse(problem)
        else:
            _submit(context, Sync(context.user, cursor, body.after), self._synced)

    def _synced(self, context: GatewayContext, result: Result) -> None:
        context.connection.pages_in_flight -= 1
        if isinstance(result, SyncPage):
            context.reply(translate.sync_result(result))
            self._groups.seen(context.user, result.heads)
        else:
            assert isinstance(result, Refused)
            context.refuse(result)
