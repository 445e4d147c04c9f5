"""What the nodes told of themselves, for clients and for operators."""

from collections.abc import Sequence

from im.adapters.redis.directory import Directory
from im.core.routing import Offer, ordered
from im.http.admin import NodeStatus
from im.http.api.about import Addresses


def routed(directory: Directory, user: str) -> Sequence[Addresses]:
    """The nodes that take logins, the best for this user first."""
    about = {live.name: live.about for live in directory.nodes.values()}
    offers = [Offer(name, each.sessions, each.capacity, each.state) for name, each in about.items()]
    return [
        Addresses(offer.node, about[offer.node].addresses, about[offer.node].websocket)
        for offer in ordered(user, offers)
    ]


def statuses(directory: Directory) -> Sequence[NodeStatus]:
    """Every node that lives."""
    return [
        NodeStatus(
            live.name,
            live.generation,
            live.about.addresses,
            live.about.websocket,
            live.about.sessions,
            live.about.capacity,
            live.about.version,
            live.about.state,
        )
        for live in directory.nodes.values()
    ]
