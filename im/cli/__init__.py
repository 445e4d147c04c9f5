"""`imctl`, the command for operators and for a first chat."""
