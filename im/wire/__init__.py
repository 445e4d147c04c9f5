"""Bytes to envelopes and back, and the table of types. The only place that parses or serializes."""
