"""The client's address behind proxies: X-Forwarded-For and Forwarded, from trusted proxies only."""

import re
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

HeaderLookup = Callable[[str], Sequence[str]]
"""All values of a header, by its name."""

_FORWARDED_FOR = re.compile(r"""(?:^|;)\s*for\s*=\s*"?([^";,]*)"?""", re.IGNORECASE)
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>\d+\.\d+\.\d+\.\d+):\d+")
_MAX_HOPS = 32


class TrustedProxies:
    """Networks whose word about a client's address counts. Raises `ValueError` for what is no network."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = tuple(ip_network(network) for network in networks)

    def client_address(self, peer: str, header: HeaderLookup) -> str:
        """The address of the client whose request came from `peer` with these headers.

        Each proxy adds its own peer at the right end, so the list is read from there: the first
        address that is no trusted proxy is the client, and what stands left of it may be invented.
        Where both headers are there and disagree one of them was invented, and neither counts.
        """
        if not self._is_trusted(peer):
            return peer
        told = {
            self._walk(peer, hops)
            for hops in (_x_forwarded_for(header), _forwarded(header))
            if hops is not None
        }
        return told.pop() if len(told) == 1 else peer

    def _walk(self, peer: str, hops: list[str]) -> str:
        address = peer
        for hop in reversed(hops[-_MAX_HOPS:]):
            parsed = _parse(hop)
            if parsed is None:
                break
            address = str(parsed)
            if not self._is_trusted(address):
                break
        return address

    def _is_trusted(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _x_forwarded_for(header: HeaderLookup) -> list[str] | None:
    values = header("X-Forwarded-For")
    return ",".join(values).split(",") if values else None


def _forwarded(header: HeaderLookup) -> list[str] | None:
    values = header("Forwarded")
    if not values:
        return None
    matches = (_FORWARDED_FOR.search(element) for element in ",".join(values).split(","))
    return [match.group(1) if match else "" for match in matches]


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    match = _WITH_PORT.fullmatch(text)
    if match:
        text = match["six"] or match["four"] or ""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
