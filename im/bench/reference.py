"""The machine's reference: what every figure of a run is normalised by.

CPU µs of one loopback `send(250 bytes)` + `recv` in one thread. Machines drift by a factor of two
from minute to minute; raw × 10 ÷ reference is comparable between runs, raw figures are not.
"""

import resource
import socket

ROUNDS = 100_000
MESSAGE = b"x" * 250


def cpu_seconds() -> float:
    """User and system CPU of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def reference_us(rounds: int = ROUNDS) -> float:
    """CPU µs of one send and receive over loopback TCP. Blocks for about a second."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    with near, far:
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = cpu_seconds()
        for _ in range(rounds):
            near.send(MESSAGE)
            far.recv(4096)
        return (cpu_seconds() - began) / rounds * 1e6


def normalised(raw_us: float, reference: float) -> float:
    """A figure in the unit of the cost budget: as if the reference were 10 µs."""
    return raw_us * 10 / reference
