"""A client of imctl, from its device file to its goodbye."""

import time
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.task import deferLater

from im import __version__
from im.cli.access import access
from im.cli.devices import MAX_DEVICES, DeviceState, open_device
from im.cli.failures import Failure, Status, failed, timed_out, unreachable
from im.client.client import Client
from im.client.errors import ClientError, RequestTimeoutError, ServerError
from im.client.settings import ClientSettings, ClientStatus
from im.client.settings import Status as ClientState

T = TypeVar("T")

CONNECT_SECONDS = 10.0
"""For the first connection, where a command has no time-out of its own; and for a free device."""

FREE_POLL_SECONDS = 0.1


class Session:
    """A started client. It connects by itself; `wait` ends early when it may not come back."""

    def __init__(self, client: Client, device: DeviceState, reactor: Any, user: str) -> None:
        self.client = client
        self.device = device
        self._reactor = reactor
        self._user = user
        self._online: Deferred[None] = Deferred()
        self._end: Failure | None = None
        self._waiting: Deferred[Any] | None = None
        client.on_state(self._state)

    async def until_online(self, seconds: float) -> None:
        """Wait for the first login. Raises `Failure`."""
        await self.wait(self._online, seconds, unreachable("nobody answers"))

    async def wait(
        self, waited: "Deferred[T]", seconds: float | None = None, late: Failure | None = None
    ) -> T:
        """What `waited` fires with; `late` is raised after `seconds`."""
        if self._end is not None:
            waited.cancel()
            waited.addErrback(lambda _: None)
            raise self._end
        if seconds is not None:
            waited.addTimeout(seconds, self._reactor)
        self._waiting = waited
        try:
            return await waited
        except DeferredTimeoutError:
            raise self._explained(late or timed_out("it took too long")) from None
        except CancelledError:
            if self._end is not None:
                raise self._end from None
            raise
        finally:
            self._waiting = None

    def _explained(self, late: Failure) -> Failure:
        status = self.client.status
        if status.status is ClientState.WAITING and late.code == "unreachable":
            return unreachable(f"{late.text}: {status.reason}")
        return late

    def _state(self, status: ClientStatus) -> None:
        if status.status is ClientState.AWAY:
            label, _, text = status.reason.partition(": ")
            self._over(Failure(Status.FAILED, label, f"refused: {text}"))
        elif status.status is ClientState.ONLINE:
            if self.client.user != self._user:
                self._over(
                    failed(f"the token is of {self.client.user}, not of {self._user}", "unauthenticated")
                )
            elif not self._online.called:
                self._online.callback(None)

    def _over(self, failure: Failure) -> None:
        self._end = failure
        if self._waiting is not None:
            self._waiting.cancel()


async def free_device(reactor: Any, folder: Path, user: str) -> DeviceState:
    """A device of the user's, once one is free. Raises `Failure` if none becomes so in time."""
    until = reactor.seconds() + CONNECT_SECONDS
    while (device := open_device(folder, user)) is None:
        if reactor.seconds() >= until:
            raise failed(f"{MAX_DEVICES} commands of {user} run already; end one of them", "busy")
        await deferLater(reactor, FREE_POLL_SECONDS)
    return device


@asynccontextmanager
async def online(reactor: Any, arguments: Namespace, device_class: str) -> AsyncIterator[Session]:
    """A client that has been told to connect; at the end it acknowledges what it showed, and logs out.

    What the client library raises comes out as `Failure`.
    """
    way = access(arguments)
    device = await free_device(reactor, way.devices, arguments.user)
    settings = ClientSettings(
        addresses=way.addresses,
        token=way.token,
        state=device,
        device_class=device_class,
        program=f"imctl/{__version__}",
        ca_file=way.ca_file,
    )
    client = Client(settings, reactor, now_ms=lambda: time.time_ns() // 1_000_000)
    session = Session(client, device, reactor, arguments.user)
    client.start()
    try:
        yield session
    except ServerError as error:
        raise Failure(Status.FAILED, error.label, f"refused: {error.refusal.text}") from error
    except RequestTimeoutError as error:
        raise timed_out(f"{error}") from error
    except ClientError as error:
        raise failed(str(error)) from error
    finally:
        await client.stop()
