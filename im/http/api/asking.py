"""What callers have done: in whose name, and by which command."""

from typing import Annotated, NamedTuple, TypeVar

from msgspec import Meta, field

from im.core.commands import Command, Query
from im.core.contacts import CONTACTS_AT_ONCE
from im.core.errors import Refused, RefusedError, accepted, invalid
from im.core.ids import id_problem
from im.core.validation import LARGEST
from im.http.api.table import Call, not_own
from im.http.api.table import Struct as Input
from im.ports import Ask, IStore

T = TypeVar("T")

UserText = Annotated[str, Meta(max_length=64)]
UserId = Annotated[str, Meta(min_length=1, max_length=64)]
Token = Annotated[str, Meta(max_length=300)]
Seq = Annotated[int, Meta(ge=0, le=LARGEST)]


class AsQuery(Input):
    """Who acts: the user `as`. Without it, it is the app itself, or the user whose token it is."""

    user: UserText = field(default="", name="as")


class PageQuery(Input):
    """Which page of a user's contacts, or of others to whom the user stands in some relation."""

    after: Token = ""
    limit: Annotated[int, Meta(ge=1, le=CONTACTS_AT_ONCE)] = CONTACTS_AT_ONCE


class Asking(NamedTuple):
    """Asks in the name of callers. Methods raise `RefusedError` or `UnavailableError`."""

    ask: Ask
    store: IStore

    async def done(self, command: Command, kind: type[T]) -> T:
        """Have a command done."""
        return accepted(await self.ask(command), kind)

    async def read(self, query: Query, kind: type[T]) -> T:
        """Have a query answered."""
        return accepted(await self.store.read(query), kind)


def acting(call: Call) -> str:
    """Who acts; "" is the app itself. Raises `RefusedError` if a user's own token names another one."""
    own, named = call.caller.user, call.query.user
    if own and named not in ("", own):
        raise RefusedError(not_own())
    if named:
        check(id_problem(named, "as"))
    return str(own or named)


def acting_user(call: Call) -> str:
    """The user who acts. Raises `RefusedError` if it is nobody, or as `acting` does."""
    user = acting(call)
    if not user:
        raise RefusedError(invalid("as", "name the user in as; the app itself has no place here"))
    return user


def path_user(call: Call) -> str:
    """The user whom the path names. Raises `RefusedError`."""
    user = call.path["user"]
    check(id_problem(user, "user"))
    return user


def seq_of(text: str, field: str = "seq") -> int:
    """The seq that stands in a path. Raises `RefusedError`."""
    if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LARGEST:
        return int(text)
    raise RefusedError(invalid(field, f"{field} must be a number below 2^63"))


def check(problem: Refused | None) -> None:
    """Raises `RefusedError` if there is a problem."""
    if problem is not None:
        raise RefusedError(problem)
