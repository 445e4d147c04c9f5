"""The connection layer: transports, login, heartbeat, dispatch, the pool of sessions, delivery."""
