"""The node bus and the business bridge on RabbitMQ."""
