"""The golden frames: they are what we write, and reading them gives their fields."""

import json
from typing import Any

from google.protobuf import json_format
from twisted.trial.unittest import SynchronousTestCase

from im.test.wire.vectors import FILE, text
from im.wire.codec import pack, pack_raw, unpack, unpack_body
from im.wire.frames import Decoder, frame
from im.wire.types import FIRST_CUSTOM_TYPE, TYPES


class VectorsTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.rows: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))

    def test_the_file_is_what_we_write(self) -> None:
        hint = "differs: if a type was added, run `python -m im.test.wire.vectors --write`"
        self.assertTrue(FILE.read_text(encoding="utf-8") == text(), f"{FILE.name} {hint}")

    def test_every_type_has_a_frame(self) -> None:
        self.assertEqual({row["type"] for row in self.rows}, {*TYPES, FIRST_CUSTOM_TYPE})

    def test_names_are_unique(self) -> None:
        names = [row["name"] for row in self.rows]
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_a_parsed_frame_has_its_fields_and_gives_the_same_bytes(self) -> None:
        for row in self.rows:
            (payload,) = Decoder(65_536).feed(bytes.fromhex(row["frame"]))
            envelope = unpack(payload)
            self.assertEqual((envelope.type, envelope.id), (row["type"], int(row["id"])), row["name"])
            if row["type"] >= FIRST_CUSTOM_TYPE:
                body = bytes.fromhex(row["body"])
                self.assertEqual(envelope.body, body)
                place = row.get("conversation", ""), bytes.fromhex(row.get("key", ""))
                self.assertEqual((envelope.conversation, envelope.key), place)
                made = pack_raw(row["type"], body, int(row["id"]), *place)
            else:
                self.assertEqual(row["type_name"], TYPES[row["type"]].name)
                expected = json_format.ParseDict(row["fields"], TYPES[row["type"]].body())
                self.assertEqual(unpack_body(envelope), expected, row["name"])
                made = pack(expected, int(row["id"]))
            self.assertEqual(frame(made).hex(), row["frame"], row["name"])
