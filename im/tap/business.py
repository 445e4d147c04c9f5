"""`twistd im-business`: from the command line to the service."""

from twisted.application.service import IService

from im.tap.options import BusinessOptions as Options
from im.tap.running import make_service

__all__ = ["Options", "makeService"]


def makeService(options: Options) -> IService:
    """Make the service of a worker. Nothing is opened yet: twistd may still fork."""
    from im.tap.cluster.business import BusinessParts

    return make_service(options, BusinessParts)
