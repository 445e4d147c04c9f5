"""Tests of signed tokens."""
