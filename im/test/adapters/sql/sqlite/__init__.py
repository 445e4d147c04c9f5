"""Tests of the store on SQLite."""
