"""The session registry on Redis."""
