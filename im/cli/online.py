"""A client of imctl, from its device file to its goodbye."""

import os
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeoutError

from im import __version__
from im.cli.devices import CLIENTS_FOLDER, DeviceState, open_device
from im.cli.failures import Failure, Status, failed, timed_out, unreachable, usage
from im.cli.keys import local_token
from im.cli.place import chosen_folder, node_of, state_folder
from im.client.addresses import parse_address
from im.client.client import Client
from im.client.errors import ClientError, RequestTimeoutError, ServerError
from im.client.settings import ClientSettings, ClientStatus, Token
from im.client.settings import Status as ClientState
from im.tap.statedir import NodeFile, read_node_file

T = TypeVar("T")

CONNECT_SECONDS = 10.0
"""For the first connection, where a command has no time-out of its own."""

TOKEN_SECONDS = 3_600.0


class Access(NamedTuple):
    """Where to connect, who one is there, and where the devices for it are kept."""

    addresses: tuple[str, ...]
    token: Token
    devices: Path
    ca_file: str = ""


def access(arguments: Namespace, environ: Mapping[str, str] = os.environ) -> Access:
    """How a command reaches its node. Raises `Failure`.

    `IM_CONNECT` and `IM_TOKEN` belong together; a state folder that was named goes before them.
    """
    address = arguments.connect or ("" if arguments.state_dir else environ.get("IM_CONNECT", ""))
    ca_file = arguments.ca_file or environ.get("IM_CA_FILE", "")
    if not address:
        folder = state_folder(arguments, environ)
        addresses = local_addresses(node_of(folder))
        token = arguments.token or _minted(folder, arguments.user)
        return Access(addresses, token, folder / CLIENTS_FOLDER, ca_file)
    address = plain_form(address)
    try:
        parse_address(address)
    except ValueError as error:
        raise usage(str(error)) from error
    local = chosen_folder(arguments, environ)
    token = arguments.token or environ.get("IM_TOKEN", "") or _minted_if_local(local, arguments.user)
    return Access((address,), token, devices_for(address, local, environ), ca_file)


def local_addresses(node: NodeFile) -> tuple[str, ...]:
    """Where a client reaches a local node, the plain ones first: certificates name public hosts."""
    found = []
    for address in map(plain_form, (*node.listen, node.websocket)):
        try:
            found.append((parse_address(address).is_secure, address))
        except ValueError:
            continue  # a Unix socket, or nothing
    if not found:
        raise failed(f"node {node.node} listens at no address that imctl can reach")
    return tuple(address for _, address in sorted(found, key=lambda each: each[0]))


def plain_form(address: str) -> str:
    """`tcp://HOST:PORT` as `tcp:HOST:PORT`, likewise `tls://`; any other address as it is."""
    for scheme in ("tcp", "tls"):
        if address.startswith(f"{scheme}://"):
            return f"{scheme}:{address.removeprefix(f'{scheme}://')}"
    return address


def devices_for(address: str, local: Path | None, environ: Mapping[str, str]) -> Path:
    """Where devices for a node at an address are kept: apart from those for any other node."""
    if local is not None:
        node = read_node_file(local)
        if node is not None and address in map(plain_form, (*node.listen, node.websocket)):
            return local / CLIENTS_FOLDER
        return local / CLIENTS_FOLDER / f"at~{quote(address, safe='')}"
    home = environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "imctl" / f"at~{quote(address, safe='')}"


def _minted(folder: Path, user: str) -> Callable[[], str]:
    local_token(folder, user, TOKEN_SECONDS)  # says now what is wrong with the key
    return lambda: local_token(folder, user, TOKEN_SECONDS)


def _minted_if_local(folder: Path | None, user: str) -> Callable[[], str]:
    if folder is None or not folder.is_dir():
        raise usage("who are you? set IM_TOKEN, or name the --state-dir of the node whose key is to sign")
    return _minted(folder, user)


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


@asynccontextmanager
async def online(reactor: Any, arguments: Namespace, device_class: str) -> AsyncIterator[Session]:
    """A client that has been told to connect; at the end it acknowledges what it showed, and logs out.

    What the client library raises comes out as `Failure`.
    """
    way = access(arguments)
    device = open_device(way.devices, arguments.user)
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
