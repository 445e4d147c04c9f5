"""The twistd command; it is imported for every `twistd --help`, so it imports nothing of im."""

from twisted.application.service import ServiceMaker

im_gateway = ServiceMaker("IM gateway", "im.tap.gateway", "Instant-messaging node.", "im-gateway")
