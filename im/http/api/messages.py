"""Messages: sent, read page by page, and changed for all who see them."""

from typing import Annotated

from msgspec import Meta, Struct, field

from im.contents import checked
from im.core.changing import (
    ChangeMessage,
    Edit,
    GetReaders,
    MessageChange,
    MessageChanged,
    React,
    Readers,
    Recall,
)
from im.core.contents import REACTION_CHARACTERS, reaction_problem
from im.core.entries import TEXT
from im.core.errors import Code, Refused, RefusedError, invalid
from im.core.ids import direct_conversation, id_problem, inbox_conversation, users_by_id
from im.core.limits import Limits
from im.core.messages import Pull, PullPage, Send, SendAsApp, Sent
from im.core.relations import pair_problem
from im.core.validation import conversation_problem, send_problem, send_refusal
from im.http.api.asking import Asking, AsQuery, Seq, UserText, acting, acting_user, check, seq_of
from im.http.api.contents import ContentInput, EditInput, EntryAnswer, packed, packed_message, shown
from im.http.api.table import Call, Route
from im.http.api.table import Struct as Input

READ, WRITE = "messages:read", "messages:write"
_PAGE = 200
_CODES = (Code.NOT_FOUND, Code.CONFLICT, Code.BLOCKED, Code.DISABLED, Code.LIMIT_EXCEEDED)
_MESSAGES = "/v1/conversations/{conversation}/messages"
_MESSAGE = f"{_MESSAGES}/{{seq}}"


class MessageInput(ContentInput, kw_only=True):
    """A message to a `conversation`, or `to` a user: the app's own goes to that user's inbox then.

    With `seen_seq` the sender has seen everything up to there.
    """

    conversation: Annotated[str, Meta(max_length=131)] = ""
    to: UserText = ""
    seen_seq: Seq = 0


class ReactionInput(Input):
    """A reaction to set, or to take back."""

    reaction: Annotated[str, Meta(min_length=1, max_length=REACTION_CHARACTERS)]
    is_set: bool = True


class HistoryQuery(AsQuery, kw_only=True):
    """Which page: up from `from`, or backward from it; 0 is the first entry, or backward the last."""

    seq: Seq = field(default=0, name="from")
    backward: bool = False
    limit: Annotated[int, Meta(ge=1, le=_PAGE)] = _PAGE


class SentAnswer(Struct):
    """Where a message stands; the same at every repetition."""

    conversation: str
    seq: int
    time_ms: int
    client_msg_id: str


class HistoryAnswer(Struct):
    """Entries in ascending order, at least one while any is left in this direction: then `more` is set.

    `active` is false of a group that the user left, or that is over.
    """

    conversation: str
    entries: list[EntryAnswer]
    more: bool
    visible_from: int
    head_seq: int
    active: bool
    read_seq: int
    peer_read_seq: int
    peer_delivered_seq: int


class ChangedAnswer(Struct):
    """`seq` is that of the entry that tells of it; 0: it stood so before."""

    conversation: str
    seq: int


class ReadersAnswer(Struct):
    """How many have read an entry, of the members but its sender; `users` are named where they are few."""

    conversation: str
    seq: int
    count: int
    members: int
    users: list[str]


class MessageRoutes:
    """The routes of messages."""

    def __init__(self, asking: Asking, limits: Limits) -> None:
        self._asking = asking
        self._limits = limits

    def routes(self) -> list[Route]:
        """All of them."""
        return [self._of_sending(), *self._of_reading(), *self._of_changing()]

    def _of_sending(self) -> Route:
        return Route(
            "POST",
            "/v1/messages",
            "Send a message as a user, or as the app itself.",
            WRITE,
            SentAnswer,
            self._send,
            MessageInput,
            AsQuery,
            is_once=True,
            codes=_CODES,
            is_for_users=True,
        )

    def _of_reading(self) -> list[Route]:
        history = Route(
            "GET",
            _MESSAGES,
            "A page of a conversation as a user sees it.",
            READ,
            HistoryAnswer,
            self._history,
            query=HistoryQuery,
            codes=(Code.NOT_FOUND,),
            is_for_users=True,
        )
        readers = history._replace(
            path=f"{_MESSAGE}/readers",
            summary="Who has read an entry, to who may see it.",
            answer=ReadersAnswer,
            run=self._readers,
            query=AsQuery,
        )
        return [history, readers]

    def _of_changing(self) -> list[Route]:
        recall = Route(
            "POST",
            f"{_MESSAGE}/recall",
            "Take a message back: one's own for a time, any as an admin of the group or as the app.",
            WRITE,
            ChangedAnswer,
            self._recall,
            query=AsQuery,
            is_once=True,
            codes=_CODES,
            is_for_users=True,
        )
        edit = recall._replace(
            method="PATCH",
            path=_MESSAGE,
            summary="Give one's own message other content of the same kind.",
            run=self._edit,
            body=EditInput,
        )
        react = recall._replace(
            path=f"{_MESSAGE}/reactions",
            summary="Set a reaction to a message, or take it back.",
            run=self._react,
            body=ReactionInput,
        )
        return [recall, edit, react]

    async def _send(self, call: Call) -> object:
        body: MessageInput = call.body
        sender = acting(call)
        kind, content = packed_message(body)
        conversation = _conversation(body, sender)
        send = Send(conversation, sender, "", call.token, b"", body.seen_seq, kind, content)
        most = self._limits.content_bytes
        check(send_refusal(send, most) if sender else _app_problem(send, most))
        told = send if kind == TEXT else checked(send)
        if isinstance(told, Refused):
            raise RefusedError(told)
        command = told if sender else SendAsApp(conversation, call.token, kind, content, told.mentions)
        sent = await self._asking.done(command, Sent)
        return SentAnswer(sent.conversation, sent.seq, sent.time_ms, call.token.hex())

    async def _history(self, call: Call) -> object:
        query: HistoryQuery = call.query
        user, conversation = acting_user(call), call.path["conversation"]
        check(conversation_problem(conversation, user))
        page = await self._asking.read(
            Pull(conversation, user, query.seq, query.backward, query.limit), PullPage
        )
        folds = {fold.seq: fold for fold in page.folds}
        return HistoryAnswer(
            conversation=page.conversation,
            entries=[shown(entry, folds.get(entry.seq)) for entry in page.entries],
            more=page.more,
            visible_from=page.visible_from,
            head_seq=page.head_seq,
            active=page.active,
            read_seq=page.read_seq,
            peer_read_seq=page.peer_read_seq,
            peer_delivered_seq=page.peer_delivered_seq,
        )

    async def _readers(self, call: Call) -> object:
        user, conversation = acting_user(call), call.path["conversation"]
        check(conversation_problem(conversation, user))
        found = await self._asking.read(GetReaders(conversation, user, seq_of(call.path["seq"])), Readers)
        return ReadersAnswer(found.conversation, found.seq, found.read, found.members, [*found.users])

    async def _recall(self, call: Call) -> object:
        return await self._change(call, Recall())

    async def _edit(self, call: Call) -> object:
        body: EditInput = call.body
        kind, content = packed(body)
        return await self._change(call, Edit(content, kind if body.content is None else 0))

    async def _react(self, call: Call) -> object:
        body: ReactionInput = call.body
        check(reaction_problem(body.reaction))
        return await self._change(call, React(body.reaction, body.is_set))

    async def _change(self, call: Call, change: MessageChange) -> ChangedAnswer:
        user, conversation = acting(call), call.path["conversation"]
        check(conversation_problem(conversation, user or _any_of(conversation)))
        write = ChangeMessage(conversation, user, call.token, seq_of(call.path["seq"]), change)
        changed = await self._asking.done(write, MessageChanged)
        return ChangedAnswer(changed.conversation, 0 if changed.entry is None else changed.entry.seq)


def _conversation(body: MessageInput, sender: str) -> str:
    """Where a message goes. Raises `RefusedError`."""
    if bool(body.conversation) is bool(body.to):
        raise RefusedError(invalid("conversation", "name a conversation, or a user in to"))
    if body.conversation:
        return body.conversation
    problem = pair_problem(sender, body.to) if sender else id_problem(body.to, "to")
    if problem is not None:
        raise RefusedError(problem._replace(field="to"))
    return direct_conversation(sender, body.to) if sender else inbox_conversation(body.to)


def _app_problem(send: Send, content_bytes: int) -> Refused | None:
    """Why the app can't send a message, as far as it tells by itself."""
    conversation = send.conversation
    return conversation_problem(conversation, _any_of(conversation)) or send_problem(send, content_bytes)


def _any_of(conversation: str) -> str:
    """Somebody whom a conversation's id names; the app may do what they may."""
    return next(iter(users_by_id(conversation)), "")
