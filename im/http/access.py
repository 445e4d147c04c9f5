"""What operators may do to users, their devices and their sessions, as JSON."""

from im.business.access import Access
from im.core.errors import RefusedError, invalid
from im.http.routes import Call

_MAX_TEXT_BYTES = 256


class AccessDesk:
    """One coroutine a route; each ends or admits, and says how many sessions it ended."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def evict(self, call: Call) -> object:
        """`POST /v1/sessions/evict` with `{"user": U, "device": D, "session": S, "text": WHY}`.

        Ends the user's sessions; with `device` or `session` only those. `{"evicted": N}`.
        """
        user, device, session, text = _named(call, "user"), *map(call.text, ("device", "session", "text"))
        if len(text.encode("utf-8", "surrogatepass")) > _MAX_TEXT_BYTES:
            raise RefusedError(invalid("text", f"text must have at most {_MAX_TEXT_BYTES} bytes"))
        evicted = await self._access.kick(
            user,
            lambda each: device in ("", each.device) and session in ("", each.id),
            text or "ended by an operator",
        )
        return {"evicted": evicted}

    async def log_out(self, call: Call) -> object:
        """`POST /v1/devices/logout` with `{"user": U, "device": D}`: `{"evicted": N}`."""
        return {"evicted": await self._access.log_out(_named(call, "user"), _named(call, "device"))}

    async def disable(self, call: Call) -> object:
        """`POST /v1/users/disable` with `{"user": U}`: `{"evicted": N}`."""
        return {"evicted": await self._access.disable(_named(call, "user"))}

    async def enable(self, call: Call) -> object:
        """`POST /v1/users/enable` with `{"user": U}`: `{"evicted": 0}`."""
        await self._access.enable(_named(call, "user"))
        return {"evicted": 0}


def _named(call: Call, field: str) -> str:
    text = call.text(field)
    if not text:
        raise RefusedError(invalid(field, f"{field} must be named"))
    return text
