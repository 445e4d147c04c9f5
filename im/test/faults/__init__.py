"""Real nodes and clients that are killed, stopped and restored, with everything checked at the end."""
