"""The twistd commands; this is imported for every `twistd --help`, so it imports nothing of im."""

from twisted.application.service import ServiceMaker

im_gateway = ServiceMaker("IM gateway", "im.tap.gateway", "Instant-messaging node.", "im-gateway")
im_business = ServiceMaker("IM business", "im.tap.business", "Worker of a cluster.", "im-business")
