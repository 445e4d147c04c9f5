"""The client library: a sans-IO core, a Twisted front, and bots."""
