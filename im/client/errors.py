"""What can go wrong in a client, as exceptions."""

from im.client.core.events import Refusal
from im.client.core.outbox import OutboxFullError
from im.core.errors import Code

__all__ = [
    "BlockedError",
    "ClientError",
    "ClientStoppedError",
    "ConflictError",
    "InvalidArgumentError",
    "NotFoundError",
    "OutboxFullError",
    "PermissionDeniedError",
    "RequestTimeoutError",
    "ServerError",
    "StateLockedError",
    "StateVersionError",
    "UnauthenticatedError",
    "server_error",
]


class ClientError(Exception):
    """Anything that this library raises itself."""


class ServerError(ClientError):
    """The server refused for good. `label` is the stable name of why, `field` what was wrong."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.label}: {refusal.text}")
        self.refusal = refusal
        self.label = refusal.label
        self.field = refusal.field


class InvalidArgumentError(ServerError):
    """A field of the request is wrong."""


class UnauthenticatedError(ServerError):
    """The token is bad, or no longer good."""


class PermissionDeniedError(ServerError):
    """The user may not do this."""


class BlockedError(PermissionDeniedError):
    """The other side wants nothing from this user."""


class NotFoundError(ServerError):
    """There is no such user or conversation, or not for this user."""


class ConflictError(ServerError):
    """The same id was used before for something else."""


class RequestTimeoutError(ClientError):
    """No answer came, with all repetitions. Whether it was done is unknown."""


class ClientStoppedError(ClientError):
    """The client was stopped. Messages without an answer stay in the state for its next start."""


class StateLockedError(ClientError):
    """Another client uses this state file."""


class StateVersionError(ClientError):
    """The state file is of a newer version of this library, or no state file at all."""


_BY_CODE: dict[int, type[ServerError]] = {
    Code.INVALID_ARGUMENT: InvalidArgumentError,
    Code.TOO_LARGE: InvalidArgumentError,
    Code.UNAUTHENTICATED: UnauthenticatedError,
    Code.EXPIRED: UnauthenticatedError,
    Code.PERMISSION_DENIED: PermissionDeniedError,
    Code.BLOCKED: BlockedError,
    Code.NOT_FOUND: NotFoundError,
    Code.CONFLICT: ConflictError,
}


def server_error(refusal: Refusal) -> ServerError:
    """The exception of a refusal; plain `ServerError` for a code without its own class."""
    return _BY_CODE.get(refusal.code, ServerError)(refusal)
