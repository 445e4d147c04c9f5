"""A private RabbitMQ with a name service of its own: else it would leave one behind, open to the world."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from im.testing.services.process import ServerProcess, free_port, is_listening

_PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
_NODE = "im@localhost"
"""The same at every start in a folder, whatever the port: what is kept there is kept under this name."""

_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.file = false
log.console = true
disk_free_limit.absolute = 1MB
vm_memory_high_watermark.absolute = 512MB
"""


class _NameService(ServerProcess):
    """epmd, which Erlang's nodes find each other by."""

    name = "epmd"
    package = "rabbitmq-server"

    @property
    def url(self) -> str:
        return f"epmd://127.0.0.1:{self.port}"

    @property
    def variables(self) -> Mapping[str, str]:
        """What tells a node of it."""
        return {"ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(self.port)}

    def command(self) -> Sequence[str]:
        return ["epmd"]

    def environment(self) -> Mapping[str, str]:
        return {"PATH": os.environ.get("PATH", ""), **self.variables}

    def is_ready(self) -> bool:
        return is_listening(self.port)


class RabbitServer(ServerProcess):
    """rabbitmq-server, user guest with password guest."""

    name = "rabbitmq-server"
    package = "rabbitmq-server"

    def __init__(self, folder: Path | None = None, port: int = 0) -> None:
        super().__init__(folder, port)
        self._distribution = free_port()
        self._names = _NameService(self.folder / "names")

    @property
    def url(self) -> str:
        """See `ServerProcess`."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2f"

    def prepare(self) -> None:
        """See `ServerProcess`."""
        if not self._names.is_ready():
            self._names.start()
        (self.folder / "rabbitmq.conf").write_text(_CONFIGURATION.format(port=self.port))
        (self.folder / "env.conf").write_text("")
        (self.folder / "enabled_plugins").write_text("[].\n")

    def command(self) -> Sequence[str]:
        """See `ServerProcess`."""
        return [_PROGRAM]

    def environment(self) -> Mapping[str, str]:
        """See `ServerProcess`. With ALLOW_INPUT the script becomes the server and makes no child."""
        files = {
            "CONF_ENV_FILE": "env.conf",
            "CONFIG_FILE": "rabbitmq.conf",
            "ENABLED_PLUGINS_FILE": "enabled_plugins",
            "MNESIA_BASE": "mnesia",
            "LOG_BASE": "logs",
            "FEATURE_FLAGS_FILE": "feature_flags",
            "PID_FILE": "pid",
        }
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            **self._names.variables,
            "RABBITMQ_NODENAME": _NODE,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_ALLOW_INPUT": "1",
            **{f"RABBITMQ_{name}": str(self.folder / file) for name, file in files.items()},
        }

    def control(self, *arguments: str) -> None:
        """Do as an operator does. Blocks."""
        self.run([_CONTROL, "--quiet", *arguments])

    def stop(self) -> None:
        """See `ServerProcess`."""
        super().stop()
        self._names.stop()

    def is_ready(self) -> bool:
        """See `ServerProcess`."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as connection:
                connection.settimeout(2.0)
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False
