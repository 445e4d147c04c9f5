"""Which addresses public keys may be fetched from."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def checked_url(text: str) -> str:
    """The URL of a JWK set: https, or http to this machine. Raises `ValueError` that completes "'x' …"."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        parts.port  # noqa: B018 (raises for a wrong one)
    except ValueError:
        raise ValueError("is no URL; give one such as https://shop.example/jwks.json") from None
    if not text.isascii() or not text.isprintable() or " " in text or parts.username is not None or not host:
        raise ValueError("is no URL; give one such as https://shop.example/jwks.json")
    if parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)):
        return text
    raise ValueError("is not safe; use https (http is for this machine only)")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
