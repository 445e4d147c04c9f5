"""Registry, node bus and business bridge within one process: the reference implementations."""
