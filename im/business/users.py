"""Users as back ends keep them: made, many at once, and their profiles."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from im.core.commands import CreateUser, GetProfile, ProfileRecord, SetProfile, Write
from im.core.errors import Refused, accepted
from im.ports import IStore

PAGE_USERS = 100
"""In one transaction of an import."""


class NewUser(NamedTuple):
    """A user to be made, with a profile; one that is there gets the profile."""

    user: str
    name: str | None = None
    avatar: str | None = None
    fields: Mapping[str, str] = {}

    def writes(self) -> list[Write]:
        """What it takes."""
        writes: list[Write] = [CreateUser(self.user)]
        if self.name is not None or self.avatar is not None or self.fields:
            writes.append(SetProfile(self.user, self.name, self.avatar, dict(self.fields)))
        return writes


class Users:
    """Each method is idempotent, and raises `RefusedError` or `UnavailableError`."""

    def __init__(self, store: IStore) -> None:
        self._store = store

    async def create(self, user: NewUser) -> ProfileRecord:
        """Make a user known."""
        results = await self._store.write(user.writes())
        return [accepted(result, ProfileRecord) for result in results][-1]

    async def import_all(self, users: Sequence[NewUser]) -> dict[str, Refused]:
        """Make users known, and say who was refused, and why."""
        refused: dict[str, Refused] = {}
        for start in range(0, len(users), PAGE_USERS):
            page = users[start : start + PAGE_USERS]
            writes = [(user.user, write) for user in page for write in user.writes()]
            results = await self._store.write([write for _, write in writes])
            for (user, _), result in zip(writes, results, strict=True):
                if isinstance(result, Refused):
                    refused.setdefault(user, result)
        return refused

    async def profile(self, user: str) -> ProfileRecord:
        """What others see of a user."""
        return accepted(await self._store.read(GetProfile(user)), ProfileRecord)

    async def change(self, change: SetProfile) -> ProfileRecord:
        """Change a profile."""
        (result,) = await self._store.write([change])
        return accepted(result, ProfileRecord)
