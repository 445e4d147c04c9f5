"""`twistd im-gateway`: from the command line to the service."""

from collections.abc import Callable

from twisted.application.service import IService

from im.tap.config import Config
from im.tap.options import Options
from im.tap.parts import Layers, NodeParts, Opening
from im.tap.process import INodeReactor
from im.tap.running import make_service

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> IService:
    """Make the service of a node. Nothing is opened yet: twistd may still fork."""

    def compose(config: Config, reactor: INodeReactor, end: Callable[[str], None]) -> NodeParts:
        return NodeParts(config, reactor, layers_of(config), end)

    return make_service(options, compose)


def layers_of(config: Config) -> Callable[[Opening], Layers]:
    """What the configuration asks for: a node of a cluster, or one that needs nothing else."""
    if config.redis_url or config.amqp_url:
        from im.tap.cluster.gateway import ClusterLayers

        return ClusterLayers
    from im.tap.embedded import EmbeddedLayers

    return EmbeddedLayers
