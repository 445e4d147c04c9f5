"""How a command reaches its node: the local one by its folder, any other by address and token."""

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from im.cli.devices import CLIENTS_FOLDER
from im.cli.failures import failed, usage
from im.cli.keys import local_token
from im.cli.place import chosen_folder, node_of, state_folder
from im.client.addresses import Address, parse_address
from im.client.settings import Token
from im.tap.statedir import NodeFile, read_node_file

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
    given = arguments.connect or ("" if arguments.state_dir else environ.get("IM_CONNECT", ""))
    ca_file = arguments.ca_file or environ.get("IM_CA_FILE", "")
    if given and arguments.node:
        raise usage("--node names one of a local cluster's nodes; --connect and IM_CONNECT name an address")
    if not given:
        folder = state_folder(arguments, environ)
        addresses = local_addresses(node_of(folder, arguments.node or ""))
        token = arguments.token or _minted(folder, arguments.user)
        return Access(addresses, token, folder / CLIENTS_FOLDER, ca_file)
    addresses = tuple(each.strip() for each in given.split(","))
    try:
        first, *_ = [parse_address(each) for each in addresses]
    except ValueError as error:
        raise usage(str(error)) from error
    local = chosen_folder(arguments, environ)
    if local is not None and not local.is_dir():
        local = None  # no node has ever run there, and it is not ours to make
    token = arguments.token or environ.get("IM_TOKEN", "") or _minted_if_local(local, arguments.user)
    return Access(addresses, token, devices_for(first, local, environ), ca_file)


def local_addresses(node: NodeFile) -> tuple[str, ...]:
    """Where a client reaches a local node, the plain ones first: certificates name public hosts."""
    reachable = _reachable(node)
    if not reachable:
        raise failed(f"node {node.node} listens at no address that imctl can reach")
    return tuple(sorted(reachable, key=lambda each: reachable[each].is_secure))


def devices_for(address: Address, local: Path | None, environ: Mapping[str, str]) -> Path:
    """Where devices for a node at an address are kept: apart from those for any other node."""
    name = f"at~{quote(f'{address.scheme}:{address.host}:{address.port}', safe='')}"
    if local is not None:
        node = read_node_file(local)
        is_local = node is not None and address in _reachable(node).values()
        return local / CLIENTS_FOLDER / ("" if is_local else name)
    home = environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "imctl" / name


def _reachable(node: NodeFile) -> dict[str, Address]:
    """The addresses of a node that a client understands: no Unix sockets."""
    found = {}
    for address in (*node.listen, node.websocket):
        try:
            found[address] = parse_address(address)
        except ValueError:
            continue
    return found


def _minted(folder: Path, user: str) -> Callable[[], str]:
    """Makes a token at each connect; what is wrong with the key is said now."""
    local_token(folder, user, TOKEN_SECONDS)
    return lambda: local_token(folder, user, TOKEN_SECONDS)


def _minted_if_local(folder: Path | None, user: str) -> Callable[[], str]:
    if folder is None:
        raise usage("who are you? set IM_TOKEN, or name the --state-dir of the node whose key is to sign")
    return _minted(folder, user)
