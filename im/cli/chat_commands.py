"""What somebody may do in a chat beside talking: each is a line that begins with a slash."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from im.cli.columns import aligned
from im.cli.contacts import Contact, contacts_of, group_row, groups_of, named, row
from im.cli.conversations import conversation_with
from im.cli.failures import Failure, failed
from im.cli.output import shown
from im.cli.relations import relation_words, request_words
from im.client.client import Client
from im.client.errors import ClientError
from im.core.contacts import badge
from im.core.relations import PENDING

SLASH = "/"
CONTACTS = "/contacts"
HELP = (
    "/contacts      what is unread where, and what was said last",
    "/groups        the groups that you are in",
    "/requests      who asks to be your friend",
    "/accept USER   be friends",
    "/decline USER  be none",
    "/open NAME     talk with a user or in a group, by name or id",
    "//TEXT         says /TEXT",
)

Lines = Sequence[str]
Command = Callable[[str], Coroutine[Deferred[Any], Any, Lines]]


def is_command(line: str) -> bool:
    """Whether a line is something to do and not to say."""
    return line.startswith(SLASH) and not line.startswith(SLASH * 2)


def to_say(line: str) -> str:
    """What a line says that is no command."""
    return line.removeprefix(SLASH)


class Commands:
    """Does what lines ask for. `tell` gets what came of it; `open_` opens a conversation by its id."""

    def __init__(
        self,
        client: Client,
        user: str,
        tell: Callable[[Lines], None],
        open_: "Callable[[str], Deferred[None]]",
    ) -> None:
        self._client = client
        self._user = user
        self._tell = tell
        self._open = open_
        self._commands: dict[str, Command] = {
            CONTACTS: self._contacts,
            "/groups": self._groups,
            "/requests": self._requests,
            "/accept": self._accept,
            "/decline": self._decline,
            "/open": self._open_named,
        }

    def run(self, line: str) -> "Deferred[None]":
        """Do what a line asks for; fires when it is done, well or not."""
        return Deferred.fromCoroutine(self._run(line))

    async def _run(self, line: str) -> None:
        name, _, what = line.strip().partition(" ")
        command = self._commands.get(name)
        if command is None:
            self._tell(HELP)
            return
        try:
            lines = await command(what.strip())
        except (ClientError, Failure) as error:
            lines = [str(error)]
        self._tell([shown(each) for each in lines])

    async def _contacts(self, _: str) -> Lines:
        contacts = await self._all_contacts()
        listed = aligned([row(each) for each in contacts if not each.head.contact.hidden])
        total = badge(each.head for each in contacts)
        return [*listed, f"{total:6}  unread"]

    async def _groups(self, _: str) -> Lines:
        groups = groups_of(await self._all_contacts())
        return aligned([group_row(*each) for each in groups]) or ["you are in no group"]

    async def _requests(self, _: str) -> Lines:
        page = await self._client.friend_requests()
        await self._client.see_requests()
        waiting = [request_words(each, self._user) for each in page.requests if each.state == PENDING]
        return waiting or ["nobody asks to be your friend"]

    async def _accept(self, user: str) -> Lines:
        return [relation_words(await self._client.accept_friend(user), self._user)]

    async def _decline(self, user: str) -> Lines:
        return [relation_words(await self._client.decline_friend(user), self._user)]

    async def _open_named(self, name: str) -> Lines:
        if not name:
            raise failed("name a user or a group: /open NAME")
        contacts = await self._all_contacts()
        found = [each for each in contacts if name in (each.user, each.head.conversation)]
        found = found or [each for each in contacts if each.name == name]
        if len(found) > 1:
            return ["several are called so; open one by its id:", *(named(each) for each in found)]
        conversation = found[0].head.conversation if found else conversation_with(self._user, name)
        await self._open(conversation)
        return []

    async def _all_contacts(self) -> list[Contact]:
        return contacts_of(await self._client.heads(), self._user)
