"""Tests of the HTTP and admin ports."""
