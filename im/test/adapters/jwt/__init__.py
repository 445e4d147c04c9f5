"""Tests of im.adapters.jwt."""
