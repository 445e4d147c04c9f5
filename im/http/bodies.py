"""How much the bodies of one site hold: in all, and of each client's address, so that none takes it all."""

from ipaddress import IPv6Address, ip_address, ip_network

MAX_HELD_BYTES = 67_108_864
"""Of all bodies of one site at a time; whoever comes then is told to come back."""

SHARE_BYTES = 16_777_216
"""Of those, the bodies from one address (IPv6: one /64 network)."""

_NETWORK_BITS = 64


class HeldBodies:
    """Counts bytes that are held. `total` is of all addresses."""

    def __init__(self) -> None:
        self.total = 0
        self._by_source: dict[str, int] = {}

    def take(self, source: str, size: int) -> bool:
        """Count `size` more bytes of a source in; False, and nothing counted, where that is too much."""
        held = self._by_source.get(source, 0) + size
        if held > SHARE_BYTES or self.total + size > MAX_HELD_BYTES:
            return False
        self._by_source[source] = held
        self.total += size
        return True

    def release(self, source: str, size: int) -> None:
        """Count bytes out that were taken."""
        self.total -= size
        left = self._by_source[source] - size
        if left:
            self._by_source[source] = left
        else:
            del self._by_source[source]


def source_of(address: str) -> str:
    """What shares one allowance: an IPv4 address, or the network that an IPv6 client has to itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((int(parsed) >> _NETWORK_BITS << _NETWORK_BITS, _NETWORK_BITS)))
    return address
