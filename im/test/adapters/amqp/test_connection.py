"""The connection to RabbitMQ itself."""

from typing import Any

from twisted.internet.defer import Deferred

from im.adapters.amqp.connection import AmqpConnection, parameters_of
from im.test.adapters.amqp.cluster import AmqpCase, clock


class ConnectionTests(AmqpCase):
    async def test_a_message_right_after_another_does_not_wait_for_the_first_to_be_acknowledged(self) -> None:
        connections: list[Any] = []

        async def set_up(connection: Any) -> None:
            connections.append(connection)

        connection = AmqpConnection(parameters_of(self.url, 10), clock(), set_up, lambda: None)
        self.addCleanup(lambda: Deferred.fromCoroutine(connection.stop()))
        connection.start()
        await self.until(lambda: connections)
        self.assertTrue(connections[0].transport.getTcpNoDelay())
