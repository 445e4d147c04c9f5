"""Questions about many users: by statements of one size, so that the driver keeps them prepared."""

from collections.abc import Iterator, Sequence

_AT_ONCE = 100
MARKS = ", ".join("?" * _AT_ONCE)
"""As many as the users of a question."""


def questions_of(users: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All users, as many at a time as there are marks; the last ones are filled up by "", nobody."""
    for start in range(0, len(users), _AT_ONCE):
        asked = users[start : start + _AT_ONCE]
        yield (*asked, *("",) * (_AT_ONCE - len(asked)))
