"""Composition roots: options to configuration to parts to service."""
