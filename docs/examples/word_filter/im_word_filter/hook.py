"""Keeps words out of messages: some are masked, and with others nothing is sent."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from im.core.errors import Code, Refused, RefusedError
from im.hook import Hook, HookContext, Message


class WordFilter(Hook):
    """Settings: `masked` and `refused`, lists of words."""

    def configure(self, settings: Mapping[str, Any]) -> None:
        self.masked = _any_of(settings.get("masked", ()))
        self.refused = _any_of(settings.get("refused", ()))

    async def before_message(self, context: HookContext, message: Message) -> bytes | None:
        if self.refused.search(message.content):
            raise RefusedError(Refused(Code.PERMISSION_DENIED, "that is not said here", "content"))
        return self.masked.sub(_stars, message.content)


def _any_of(words: Iterable[str]) -> re.Pattern[bytes]:
    """What finds any of some words, whatever the kind of the message; nothing, of no words."""
    either = b"|".join(re.escape(word.encode()) for word in words)
    return re.compile(either or rb"(?!)", re.IGNORECASE)


def _stars(found: re.Match[bytes]) -> bytes:
    """As many bytes as the word has: so the content of every kind of message stays whole."""
    return b"*" * len(found[0])
