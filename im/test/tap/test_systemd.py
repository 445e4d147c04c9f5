"""Tests of `im.tap.systemd`."""

import os
import socket
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.tap.systemd import READY, notify


class NotifyTests(SynchronousTestCase):
    def listen(self, address: str) -> socket.socket:
        supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(supervisor.close)
        supervisor.bind(address)
        supervisor.settimeout(5)
        return supervisor

    def test_the_supervisor_gets_one_datagram(self) -> None:
        with tempfile.TemporaryDirectory() as folder:  # trial's own are too deep for a socket's name
            path = str(Path(folder) / "notify")
            supervisor = self.listen(path)
            notify(READY, {"NOTIFY_SOCKET": path})
            self.assertEqual(supervisor.recv(100), b"READY=1")

    def test_an_abstract_socket_begins_with_an_at_sign(self) -> None:
        name = f"im-test-{os.getpid()}"
        supervisor = self.listen(f"\0{name}")
        notify(READY, {"NOTIFY_SOCKET": f"@{name}"})
        self.assertEqual(supervisor.recv(100), b"READY=1")

    def test_nobody_waits_or_nobody_listens(self) -> None:
        notify(READY, {})
        notify(READY, {"NOTIFY_SOCKET": "/nowhere/notify"})
