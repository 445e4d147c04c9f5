"""Tokens that somebody else signs: JWTs, checked by public keys from a file or from the web."""
