"""Headers of messages, read whatever a stranger put into them.

pika fails at a time that Python has no date for, and at values too deep in each other: it ends the
connection, and the next one at the same message.
"""

import struct
from typing import Any

import pika

UNREADABLE = "im-unreadable"
"""Stands, with the reason, in place of headers that can't be read."""

_read_table = pika.data.decode_table


def _read(encoded: bytes, offset: int) -> tuple[dict[Any, Any], int]:
    """As pika's: a table and where it ends."""
    try:
        table: tuple[dict[Any, Any], int] = _read_table(encoded, offset)
    except (ValueError, OverflowError, OSError, RecursionError) as error:
        (size,) = struct.unpack_from(">I", encoded, offset)
        return {UNREADABLE: str(error)}, offset + 4 + size
    return table


pika.data.decode_table = _read
