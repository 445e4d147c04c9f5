"""How imctl reaches a node: by its folder, or by address and token."""

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.token.keys import create_key_file
from im.cli.access import Access, access
from im.cli.failures import Failure, Status
from im.tap.statedir import NodeFile, write_node_file

NODE = NodeFile(
    node="node-1",
    pid=os.getpid(),
    version="1",
    users="open",
    listen=("tls:127.0.0.1:7223", "tcp://127.0.0.1:7222", "unix:/run/im"),
    http="http://127.0.0.1:7280",
    websocket="ws://127.0.0.1:7280/ws",
    admin="",
)


class AccessTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def access(self, environ: dict[str, str] | None = None, **given: str) -> Access:
        options = {"connect": None, "token": None, "ca_file": None, "state_dir": None, "node": None} | given
        return access(Namespace(user="alice", **options), environ or {})

    def start(self, node: NodeFile = NODE) -> None:
        create_key_file(self.folder / "keys.json")
        write_node_file(self.folder, node)

    def local(self, environ: dict[str, str] | None = None, **given: str) -> Access:
        return self.access(environ, state_dir=str(self.folder), **given)

    def refusal(self, call: Callable[..., Access], *args: Any, **given: str) -> Failure:
        failure: Failure = self.assertRaises(Failure, call, *args, **given)
        return failure

    def test_a_local_node_is_found_by_its_folder_with_a_token_of_its_key(self) -> None:
        self.start()
        way = self.local()
        plain_first = ("tcp://127.0.0.1:7222", "ws://127.0.0.1:7280/ws", "tls:127.0.0.1:7223")
        self.assertEqual(way.addresses, plain_first)
        self.assertEqual(way.devices, self.folder / "clients")
        assert callable(way.token)
        self.assertEqual(cast(str, way.token()).count("."), 2)

    def test_an_address_has_no_node_to_choose(self) -> None:
        refused = self.refusal(self.access, connect="tcp:127.0.0.1:7222", token="t", node="node-2")
        self.assertEqual((refused.status, "--node" in refused.text), (Status.USAGE, True))

    def test_a_folder_in_the_environment_is_as_good(self) -> None:
        self.start()
        self.assertEqual(self.access({"IM_STATE_DIR": str(self.folder)}).addresses, self.local().addresses)

    def test_a_named_folder_goes_before_an_address_in_the_environment(self) -> None:
        self.start()
        way = self.local({"IM_CONNECT": "tcp:10.0.0.1:1", "IM_TOKEN": "theirs"})
        self.assertIn("tcp://127.0.0.1:7222", way.addresses)
        self.assertNotEqual(way.token, "theirs")

    def test_an_address_and_a_token_need_no_folder(self) -> None:
        environ = {"IM_CONNECT": "tls://chat.example:7223", "IM_TOKEN": "t", "IM_CA_FILE": "ca.pem"}
        way = self.access(environ | {"XDG_STATE_HOME": "/home/a/state"})
        self.assertEqual(
            (way.addresses, way.token, way.ca_file), (("tls://chat.example:7223",), "t", "ca.pem")
        )
        self.assertEqual(way.devices, Path("/home/a/state/imctl/at~tls%3Achat.example%3A7223"))

    def test_no_state_folder_is_made_for_a_node_elsewhere(self) -> None:
        environ = {"IM_STATE_DIR": str(self.folder / "none"), "IM_TOKEN": "t", "XDG_STATE_HOME": "/home/a"}
        self.assertEqual(
            self.access(environ, connect="tcp:h:1").devices, Path("/home/a/imctl/at~tcp%3Ah%3A1")
        )

    def test_devices_of_the_local_node_are_the_same_by_whatever_address(self) -> None:
        self.start()
        self.assertEqual(self.local(connect="tcp:127.0.0.1:7222").devices, self.folder / "clients")
        elsewhere = self.local(connect="tcp:10.0.0.1:1").devices
        self.assertEqual(elsewhere, self.folder / "clients" / "at~tcp%3A10.0.0.1%3A1")

    def test_several_addresses_are_tried_in_turn(self) -> None:
        self.start()
        way = self.local(connect="tcp:10.0.0.1:1, tcp:10.0.0.2:1")
        self.assertEqual(way.addresses, ("tcp:10.0.0.1:1", "tcp:10.0.0.2:1"))

    def test_what_is_missing_is_said(self) -> None:
        self.assertEqual(self.refusal(self.access).status, Status.USAGE)
        self.assertIn("IM_TOKEN", self.refusal(self.access, connect="tcp:10.0.0.1:1").text)
        self.assertIn("no address", self.refusal(self.access, connect="nonsense").text)
        stopped = self.refusal(self.local)
        self.assertEqual(stopped.status, Status.UNREACHABLE)
        self.assertIn(f"scripts/run --state-dir {self.folder}", stopped.text)

    def test_a_node_whose_process_is_gone_does_not_run(self) -> None:
        self.start(NODE._replace(pid=2**22 + 1))
        self.assertEqual(self.refusal(self.local).status, Status.UNREACHABLE)

    def test_a_node_without_an_address_for_clients_is_named(self) -> None:
        self.start(NODE._replace(listen=("unix:/run/im",), websocket=""))
        self.assertIn("node-1", self.refusal(self.local).text)
