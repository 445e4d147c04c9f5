"""Votes in conversations."""
