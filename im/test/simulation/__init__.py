"""Seeded schedules of every kind of fault, on the real objects in simulated time."""
