"""The model: what becomes of each write, and what must be answered."""

from collections.abc import Callable
from typing import Any

from im.core.changing import ChangeMessage, ClearHistory, DeleteEntries
from im.core.commands import SetDisabled, UserState, Write
from im.core.errors import Code
from im.core.grouping import ChangeGroup, CreateGroup
from im.core.messages import MoveDelivered, MoveRead, Send, SendAsApp
from im.core.relations import (
    AnswerFriend,
    AskFriend,
    Block,
    EndFriendship,
    ExpireRequests,
    OpenDirect,
    SeeRequests,
    SetContact,
    WithdrawRequest,
)
from im.test.model.changes import ChangeRules
from im.test.model.groups import GroupRules
from im.test.model.messages import MessageRules
from im.test.model.relations import RelationRules
from im.test.model.shop import Rules, Shop

Answer = Any
"""The result that must come, or the code of the refusal."""


class Oracle:
    """Everything that is stored, and what each write makes of it."""

    def __init__(self, rules: Rules) -> None:
        self.shop = shop = Shop(rules)
        messages, changes = MessageRules(shop), ChangeRules(shop)
        relations, groups = RelationRules(shop), GroupRules(shop)
        self._rules: dict[type, Callable[[Any], Answer]] = {
            Send: messages.send,
            SendAsApp: messages.send_as_app,
            MoveRead: messages.read,
            MoveDelivered: messages.deliver,
            ChangeMessage: changes.change,
            DeleteEntries: changes.delete,
            ClearHistory: changes.clear,
            AskFriend: relations.ask,
            AnswerFriend: relations.answer,
            WithdrawRequest: relations.withdraw,
            EndFriendship: relations.end,
            Block: relations.block,
            OpenDirect: relations.open,
            SetContact: relations.set_contact,
            SeeRequests: relations.see,
            ExpireRequests: relations.expire,
            CreateGroup: groups.create,
            ChangeGroup: groups.change,
            SetDisabled: self._disable,
        }

    def execute(self, write: Write) -> Answer:
        """Do what a write asks for; what must be answered."""
        return self._rules[type(write)](write)

    def _disable(self, write: SetDisabled) -> Answer:
        if not write.disabled and write.user not in self.shop.users:
            return Code.NOT_FOUND
        self.shop.users.add(write.user)
        (self.shop.disabled.add if write.disabled else self.shop.disabled.discard)(write.user)
        return UserState(write.user, write.disabled)
