"""Tests of the bus and the bridge on a real RabbitMQ."""
