"""Redis over TLS: `rediss://`."""

import os
from collections.abc import Sequence
from pathlib import Path

from im.ports import UnavailableError
from im.test.adapters.redis.cluster import RedisCase
from im.test.gateway.certificates import CertificateFiles, write_certificate
from im.testing.services.process import is_listening
from im.testing.services.redis import RedisServer


class _TlsServer(RedisServer):
    """A Redis that listens with TLS only."""

    files: CertificateFiles

    @property
    def url(self) -> str:
        return f"rediss://localhost:{self.port}/0"

    def command(self) -> Sequence[str]:
        plain = [each if each != "--port" else "--tls-port" for each in super().command()]
        certificate = ["--tls-cert-file", str(self.files.cert), "--tls-key-file", str(self.files.key)]
        open_to_all = ["--tls-auth-clients", "no", "--bind", "127.0.0.1", "127.0.0.2"]
        return [*plain, "--port", "0", *certificate, *open_to_all]

    def is_ready(self) -> bool:
        return is_listening(self.port)


class TlsTests(RedisCase):
    def setUp(self) -> None:
        super().setUp()
        server = _TlsServer()
        self.files = server.files = write_certificate(Path(self.mktemp()).resolve())
        self.addCleanup(server.stop)
        server.start()
        self.url = server.url

    def trust(self) -> None:
        """Let the server's certificate be one of the system's."""
        os.environ["SSL_CERT_FILE"] = str(self.files.cert)
        self.addCleanup(os.environ.pop, "SSL_CERT_FILE")

    async def problem(self) -> str:
        connection = self.connect()
        with self.assertRaises(UnavailableError):
            await connection.values(["nothing"])
        return connection.problem.partition(" is ")[2]

    async def test_a_certificate_that_the_system_trusts_is_taken(self) -> None:
        self.trust()
        self.assertEqual(await self.connect().values(["nothing"]), [None])

    async def test_any_other_is_refused_and_says_why(self) -> None:
        self.assertEqual(await self.problem(), "not trusted: certificate verify failed")

    async def test_one_for_another_name_is_refused_and_says_why(self) -> None:
        self.trust()
        self.url = self.url.replace("localhost", "127.0.0.2")
        self.assertIn("not for this name", await self.problem())
