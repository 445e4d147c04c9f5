"""Texts that users write about themselves, each other and their groups."""

from im.core.errors import Refused, invalid


def text_problem(text: str, field: str, most: int, breaks: str = "\n") -> Refused | None:
    """Why a text can't be kept, or None: at most `most` characters, printable but for `breaks`."""
    if len(text) > most:
        return invalid(field, f"{field} must have at most {most} characters")
    if not all(character.isprintable() or character in breaks for character in text):
        return invalid(field, f"{field} must be printable")
    return None
