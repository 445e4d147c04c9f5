"""What a connection asks of its transport, and what a transport tells its connection.

TCP, TLS and WebSocket look the same through these two; tests put their own behind them.
"""

from typing import Protocol

from im.core.errors import Code
from im.gateway.runs import Run


class Transport(Protocol):
    """Carries whole envelopes. Nothing of it raises, also not after the end."""

    def send(self, payload: bytes) -> None:
        """Write one envelope; dropped when closing."""

    def send_run(self, run: Run) -> None:
        """Write some envelopes, the same to many; dropped when closing."""

    def close(self) -> None:
        """Flush what was sent, then end; abort when that takes too long. Idempotent."""

    def abort(self) -> None:
        """End at once; what the network has not taken is lost."""

    def pause_reading(self) -> None:
        """Ask for no more frames until `resume_reading`."""

    def resume_reading(self) -> None:
        """Ask for frames again; may call `frame_received` before it returns."""


class FrameReceiver(Protocol):
    """What a transport calls, on the reactor's thread. Nothing of it raises."""

    def frame_received(self, payload: bytes) -> None:
        """Take one envelope."""

    def frame_refused(self, code: Code, text: str) -> None:
        """Learn that the peer broke the framing. The transport closes itself when this returns."""

    def write_paused(self) -> None:
        """Learn that more than `queue_bytes` wait for the network."""

    def write_resumed(self) -> None:
        """Learn that the network takes more again."""

    def connection_lost(self, reason: str) -> None:
        """Learn that nothing can be sent or received any more. Called once, last."""
