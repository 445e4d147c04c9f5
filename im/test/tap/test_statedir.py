"""Tests of `im.tap.statedir`."""

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.tap.statedir import NODE_FILE, NodeFile, make, read_node_file, remove_node_file, write_node_file

NODE = NodeFile(
    "node-1", 4711, "0.1.0", "open", ("tcp:127.0.0.1:7222",), "http://h:1", "ws://h:1/ws", "http://h:2"
)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class StateDirTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()) / "deep" / "state"

    def test_a_new_folder_is_its_owners_alone(self) -> None:
        make(self.folder)
        self.assertEqual(rights(self.folder), 0o700)
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_folder_that_is_there_keeps_rights_and_files(self) -> None:
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        (self.folder / "theirs").write_text("x")
        make(self.folder)
        self.assertEqual((rights(self.folder), os.listdir(self.folder)), (0o755, ["theirs"]))

    def test_a_file_in_its_place_is_an_error(self) -> None:
        self.folder.parent.mkdir(parents=True)
        self.folder.write_text("x")
        self.assertRaises(OSError, make, self.folder)

    def test_what_a_node_tells_is_read_back(self) -> None:
        make(self.folder)
        write_node_file(self.folder, NODE._replace(pid=1))
        write_node_file(self.folder, NODE)
        self.assertEqual(read_node_file(self.folder), NODE)
        self.assertEqual(rights(self.folder / NODE_FILE), 0o600)
        self.assertEqual(os.listdir(self.folder), [NODE_FILE])

    def test_nothing_readable_is_nothing_told(self) -> None:
        make(self.folder)
        self.assertIsNone(read_node_file(self.folder))
        for text in ("", "[]", '{"node": "n"}', "{"):
            (self.folder / NODE_FILE).write_text(text)
            self.assertIsNone(read_node_file(self.folder))

    def test_only_ones_own_file_is_removed(self) -> None:
        make(self.folder)
        write_node_file(self.folder, NODE)
        remove_node_file(self.folder, 1)
        self.assertEqual(read_node_file(self.folder), NODE)
        remove_node_file(self.folder, 4711)
        remove_node_file(self.folder, 4711)
        self.assertIsNone(read_node_file(self.folder))
