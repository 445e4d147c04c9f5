"""Tests of the client's core, on explicit time."""
