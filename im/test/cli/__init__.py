"""Tests of imctl."""
