"""Where a user should connect, by what the nodes told of themselves."""

from collections.abc import Sequence

from im.adapters.redis.directory import Directory
from im.core.routing import Offer, ordered
from im.http.api.about import Addresses


def routed(directory: Directory, user: str) -> Sequence[Addresses]:
    """The nodes that take logins, the best for this user first."""
    about = {live.name: live.about for live in directory.nodes.values()}
    offers = [Offer(name, each.sessions, each.capacity, each.state) for name, each in about.items()]
    return [
        Addresses(offer.node, about[offer.node].addresses, about[offer.node].websocket)
        for offer in ordered(user, offers)
    ]
