"""What hooks are asked before a request is executed, and what their answers make of it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from im.business.hooks import Hooks
from im.core.changing import ChangeMessage, Edit
from im.core.commands import Command
from im.core.errors import Refused
from im.core.grouping import ChangeGroup, CreateGroup
from im.core.messages import Send, Verdict
from im.core.relations import AnswerFriend, AskFriend, Block, EndFriendship, WithdrawRequest
from im.hook import GroupIntent, Message, RelationIntent, Stranger

BEFORE_MESSAGE, BEFORE_RELATION = "before_message", "before_relation"
BEFORE_GROUP_CHANGE, MAY_WRITE = "before_group_change", "may_write"


class Question(NamedTuple):
    """An event with what is told of it. Those of one lane are asked in order; `user` wants it."""

    event: str
    lane: str
    user: str
    about: Any


class Questions:
    """Which requests hooks are asked about. Without `is_any` there is none.

    The app's own are not asked about, nor what its handlers post. `asks_of_strangers`: hooks decide
    who may write to whom.
    """

    def __init__(self, hooks: Hooks, is_direct_by_hook: bool) -> None:
        self._hooks = hooks
        self._makers = {
            kind: make
            for event, makers in _MAKERS.items()
            if hooks.wants(event)
            for kind, make in makers.items()
        }
        self.is_any = bool(self._makers)
        self.asks_of_strangers = is_direct_by_hook and hooks.wants(MAY_WRITE)

    def about(self, command: Command) -> Question | None:
        """What is to be asked about a command, or None."""
        make = self._makers.get(type(command))
        return None if make is None else make(command)

    async def answered(self, question: Question, command: Command) -> Command:
        """Ask, and give what is to be executed. Raises `RefusedError`."""
        event, lane, user, about = question
        taken = _reworded if event == BEFORE_MESSAGE else _let
        now = await self._hooks.passed(event, lane, about, taken, user)
        if type(command) is Send:
            return command._replace(content=now.content, verdict=Verdict())
        if type(command) is ChangeMessage and type(command.change) is Edit:
            return command._replace(change=command.change._replace(content=now.content))
        return command

    async def lets_in(self, user: str, peer: str, lane: str) -> bool:
        """Whether a stranger may write to somebody. Raises `RefusedError`."""
        return any(await self._hooks.ask(MAY_WRITE, lane, Stranger(user, peer)))


def refusing(command: Command, refused: Refused) -> Command | None:
    """What has the store say no, unless it has said yes before; None where it needn't be asked."""
    if type(command) is Send and not refused.code.is_retryable:
        return command._replace(verdict=Verdict(refused))
    return None


def _reworded(message: Message, answer: Any) -> Message:
    if answer is None:
        return message
    if isinstance(answer, str):
        return message._replace(content=answer.encode())
    if isinstance(answer, bytes):
        return message._replace(content=answer)
    raise TypeError(f"it returned {type(answer).__name__}; content is str or bytes")


def _let(intent: Any, answer: Any) -> Any:
    if answer is not None:
        raise TypeError(f"it returned {type(answer).__name__}; to refuse, raise RefusedError")
    return intent


def _of_send(send: Send) -> Question | None:
    if not send.sender:
        return None
    message = Message(send.conversation, send.sender, send.device, send.kind, send.content, send.mentions)
    return Question(BEFORE_MESSAGE, send.conversation, send.sender, message)


def _of_edit(write: ChangeMessage) -> Question | None:
    if not write.user or not isinstance(write.change, Edit):
        return None
    message = Message(write.conversation, write.user, "", 0, write.change.content, edits=write.target)
    return Question(BEFORE_MESSAGE, write.conversation, write.user, message)


def _of_relation(write: Any) -> Question | None:
    lane = "\0".join(sorted((write.user, write.peer)))
    return Question(BEFORE_RELATION, lane, write.user, RelationIntent(write.user, write.peer, write))


def _of_group(write: CreateGroup | ChangeGroup) -> Question | None:
    if not write.user:
        return None
    change = write if isinstance(write, CreateGroup) else write.change
    intent = GroupIntent(write.conversation, write.user, change)
    return Question(BEFORE_GROUP_CHANGE, write.conversation, write.user, intent)


_Makers = Mapping[type[Any], Callable[[Any], Question | None]]

_MAKERS: Mapping[str, _Makers] = {
    BEFORE_MESSAGE: {Send: _of_send, ChangeMessage: _of_edit},
    BEFORE_RELATION: dict.fromkeys(
        (AskFriend, AnswerFriend, WithdrawRequest, EndFriendship, Block), _of_relation
    ),
    BEFORE_GROUP_CHANGE: {CreateGroup: _of_group, ChangeGroup: _of_group},
}
