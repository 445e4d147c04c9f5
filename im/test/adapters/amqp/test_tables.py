"""Headers that pika itself can't read do no harm."""

import struct
from typing import Any

import pika
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp.tables import UNREADABLE

_HEADERS = 1 << 13
_MESSAGE_ID = 1 << 7


def properties_with(fields: bytes) -> Any:
    """Properties as they come over the wire, with headers and a message id."""
    flags = struct.pack(">H", _HEADERS | _MESSAGE_ID)
    encoded = flags + struct.pack(">I", len(fields)) + fields + b"\x02id"
    properties = pika.BasicProperties()
    properties.decode(encoded)
    return properties


def array(content: bytes) -> bytes:
    """A value that is a list."""
    return b"A" + struct.pack(">I", len(content)) + content


class TableTests(SynchronousTestCase):
    def check_unreadable(self, value: bytes) -> None:
        read = properties_with(b"\x01x" + value)
        self.assertEqual((list(read.headers), read.message_id), ([UNREADABLE], "id"))

    def test_what_can_be_read_is_read(self) -> None:
        read = properties_with(b"\x01xt\x01")
        self.assertEqual((read.headers, read.message_id), ({"x": True}, "id"))

    def test_a_time_that_is_no_date_is_told_and_the_rest_read(self) -> None:
        for seconds in (2**40, 2**63):
            self.check_unreadable(b"T" + struct.pack(">Q", seconds))

    def test_values_too_deep_in_each_other_are_told_and_the_rest_read(self) -> None:
        value = array(b"")
        for _ in range(5_000):
            value = array(value)
        self.check_unreadable(value)

    def test_a_table_in_a_table_takes_only_itself_along(self) -> None:
        inner = b"\x01xT" + struct.pack(">Q", 2**63)
        read = properties_with(b"\x01aF" + struct.pack(">I", len(inner)) + inner + b"\x01bt\x01")
        self.assertEqual((list(read.headers["a"]), read.headers["b"]), ([UNREADABLE], True))
