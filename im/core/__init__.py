"""The pure rules: no I/O, no clock, standard library only; time, ids and jitter are arguments."""
