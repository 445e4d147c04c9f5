import base64
import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.token.keys import create_key_file, load_keys, retire_key, rotate_key_file


def always(byte: bytes) -> bytes:
    return base64.b64encode(byte * 32)


class KeyFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def write(self, content: object, mode: int = 0o600) -> None:
        self.path.write_text(content if isinstance(content, str) else json.dumps(content))
        self.path.chmod(mode)

    def problem(self) -> str:
        text = str(self.assertRaises(ValueError, load_keys, self.path))
        self.assertNotIn("\n", text)
        return text

    def test_a_new_file_is_read_back_and_is_its_owners_alone(self) -> None:
        ring = create_key_file(self.path)
        self.assertEqual(ring, load_keys(self.path))
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)

    def test_new_files_differ(self) -> None:
        other = Path(self.mktemp())
        self.assertNotEqual(create_key_file(self.path).keys, create_key_file(other).keys)

    def test_a_file_that_is_there_is_not_replaced(self) -> None:
        ring = create_key_file(self.path)
        self.assertRaises(FileExistsError, create_key_file, self.path)
        self.assertEqual(ring, load_keys(self.path))

    def test_rotation_signs_with_a_new_key_and_keeps_the_old(self) -> None:
        old = create_key_file(self.path)
        new = rotate_key_file(self.path)
        self.assertEqual(new, load_keys(self.path))
        self.assertNotEqual(old.active, new.active)
        self.assertEqual(old.keys[old.active], new.keys[old.active])
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        self.assertEqual(3, len(rotate_key_file(self.path).keys))

    def test_rotation_chooses_an_id_that_is_free(self) -> None:
        key = always(b"a").decode()
        self.write({"active": "k2", "keys": {"k2": key}})
        self.assertEqual({"k2", "k3"}, set(rotate_key_file(self.path).keys))

    def test_a_file_that_others_can_read_is_refused_with_the_fix(self) -> None:
        create_key_file(self.path)
        self.path.chmod(0o644)
        self.assertIn(f"chmod 600 {self.path}", self.problem())
        self.path.chmod(0o640)
        self.assertIn("chmod 600", self.problem())

    def test_a_missing_file_is_named(self) -> None:
        self.assertIn(str(self.path), self.problem())

    def test_what_is_no_key_file_is_refused_without_showing_it(self) -> None:
        key = always(b"a").decode()
        for content in (
            "not json " + key,
            [key],
            {"keys": {"a": key}},
            {"active": "a"},
            {"active": "a", "keys": [key]},
            {"active": "a", "keys": {"a": 5}},
            {"active": "a", "keys": {"a": key + "!"}},
            {"active": [], "keys": {"a": key}},
            "[" * 60_000,
            "x" * 70_000,
        ):
            self.write(content)
            self.assertNotIn(key, self.problem())

    def test_the_active_key_must_be_there(self) -> None:
        self.write({"active": "b", "keys": {"a": always(b"a").decode()}})
        self.assertIn("active", self.problem())

    def test_a_short_key_is_refused(self) -> None:
        self.write({"active": "a", "keys": {"a": base64.b64encode(b"a" * 31).decode()}})
        self.assertIn("shorter than 32", self.problem())

    def test_a_retired_key_is_gone(self) -> None:
        first = create_key_file(self.path)
        rotated = rotate_key_file(self.path)
        ring = retire_key(self.path, first.active)
        self.assertEqual({rotated.active: rotated.keys[rotated.active]}, ring.keys)
        self.assertEqual(ring, load_keys(self.path))
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)

    def test_only_a_known_key_that_does_not_sign_is_retired(self) -> None:
        ring = create_key_file(self.path)
        for kid, why in ((ring.active, "rotate first"), ("nothing", "there is no key")):
            text = str(self.assertRaises(ValueError, retire_key, self.path, kid))
            self.assertIn(why, text)
        self.assertEqual(ring, load_keys(self.path))
