"""What a company sends to APNs and FCM of a message that reached nobody; here it goes into a file."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from im.core.entries import TEXT
from im.hook import AwayDevice, Hook, HookContext, OfflineMessage


class MobilePush(Hook):
    """One request to the push service for each device with a token."""

    def configure(self, settings: Mapping[str, Any]) -> None:
        self.path = str(settings["outbox"])

    async def offline_message(self, context: HookContext, event: OfflineMessage) -> None:
        for device in event.devices:
            if device.platform in REQUESTS:
                await context.in_thread(self.send, REQUESTS[device.platform](event, device))

    def send(self, request: Mapping[str, Any]) -> None:
        """In its place stands an HTTP request. A token that the service refuses is forgotten by
        POST /v1/push-tokens/remove."""
        with open(self.path, "a", encoding="utf-8") as outbox:
            outbox.write(json.dumps(request, ensure_ascii=False) + "\n")


def text(event: OfflineMessage) -> str:
    return event.content.decode(errors="ignore") if event.kind == TEXT else "a new message"


def where(event: OfflineMessage) -> dict[str, str]:
    return {"conversation": event.conversation, "seq": str(event.seq)}


def apns(event: OfflineMessage, device: AwayDevice) -> dict[str, Any]:
    """Under the same apns-id it is shown once, however often it is sent."""
    aps = {"alert": {"title": event.sender, "body": text(event)}, "badge": event.badge}
    return {
        "url": f"https://api.push.apple.com/3/device/{device.token}",
        "headers": {"apns-id": str(uuid5(NAMESPACE_URL, f"{event.key} {device.device}"))},
        "body": {"aps": aps, **where(event)},
    }


def fcm(event: OfflineMessage, device: AwayDevice) -> dict[str, Any]:
    """One of the same tag takes the place of the one that is shown."""
    shown = {"tag": event.key, "notification_count": event.badge}
    message = {
        "token": device.token,
        "notification": {"title": event.sender, "body": text(event)},
        "data": where(event),
        "android": {"notification": shown},
    }
    return {"url": "https://fcm.googleapis.com/v1/projects/shop/messages:send", "body": {"message": message}}


REQUESTS = {"apns": apns, "fcm": fcm}
