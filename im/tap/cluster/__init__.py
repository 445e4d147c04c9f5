"""The processes of a cluster: nodes and workers, joined by Redis and RabbitMQ, on PostgreSQL."""
