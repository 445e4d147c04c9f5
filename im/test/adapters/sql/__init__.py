"""Tests of the SQL adapters."""
