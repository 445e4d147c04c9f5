"""What `imctl` does: one module a command, over the client library and the state folder of a node."""
