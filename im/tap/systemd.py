"""Tells systemd, or whoever set NOTIFY_SOCKET, what becomes of this process."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

READY = "READY=1"
STOPPING = "STOPPING=1"


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send a state to the supervisor that waits for one; without NOTIFY_SOCKET nobody does.

    One that does not listen is left alone: it has its own time-out for not being told.
    """
    address = environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as supervisor,
    ):
        supervisor.connect("\0" + address[1:] if address[0] == "@" else address)
        supervisor.sendall(state.encode())
