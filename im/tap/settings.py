"""The table of settings: name, meaning, and how a value is read. Options, variables and file follow it."""

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from im.adapters.jwt.address import checked_url
from im.core.calendars import zone_of
from im.core.events import KINDS
from im.core.limits import Limits
from im.tap.url_files import url_of

FOREIGN_VARIABLES = (
    "IM_CONFIG",
    "IM_SUPERVISED",
    "IM_TEST_",
    "IM_FAIL",
    "IM_TOKEN",
    "IM_CONNECT",
    "IM_CLIENT_",
    "IM_CA_FILE",
)
"""Beginnings of the `IM_*` variables that are no settings of a node: ours, the tests', `imctl`'s, a bot's."""


_MOST_DAYS = 36_500


class Setting(NamedTuple):
    """One setting. `parse` takes text or a TOML value; its ValueError completes "'x' …"."""

    name: str
    parse: Callable[[Any], Any]
    help: str
    repeats: bool = False
    is_limit: bool = False
    is_secret: bool = False

    @property
    def option(self) -> str:
        """As it stands on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """As it stands in the environment."""
        return "IM_" + self.name.upper()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("is not text; put it in quotes")


def _name(value: Any) -> str:
    text = _text(value)
    if not (1 <= len(text) <= 64 and text.isascii() and text.replace("-", "").replace(".", "").isalnum()):
        raise ValueError("is not a node's name; use 1 to 64 letters, digits, dots and hyphens")
    return text


def _time_zone(value: Any) -> str:
    if zone_of(_text(value)) is None:
        raise ValueError("is no time zone; name one of IANA's, such as Europe/Paris")
    return str(value)


def _path(value: Any) -> Path:
    if not _text(value):
        raise ValueError("is no path; name one")
    return Path(value).expanduser()


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(_text(each) for each in value)
    raise ValueError('is not a list; write ["…"]')


def _endpoints(value: Any) -> tuple[str, ...]:
    endpoints = _texts(value)
    if not endpoints:
        raise ValueError("names no endpoint; give one such as tcp:7222:interface=127.0.0.1")
    return endpoints


def _endpoint_or_off(value: Any) -> str:
    return "" if _text(value) in ("", "off") else value


def _one_of(*choices: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"is none of {', '.join(choices)}; choose one of them")
        return str(value)

    return parse


def _names(value: Any) -> tuple[str, ...]:
    texts = value.replace(",", " ").split() if isinstance(value, str) else _texts(value)
    if not texts or len({*texts}) < len(texts):
        raise ValueError("is no list of different names; give one such as jwt,own")
    return tuple(texts)


def _kinds(value: Any) -> tuple[str, ...]:
    kinds = _names(value)
    if kinds == ("all",):
        return KINDS
    if not {*kinds} <= {*KINDS}:
        raise ValueError(f"is no list of kinds of events; give all, or some of {', '.join(KINDS)}")
    return kinds


def _yes_or_no(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError("is neither true nor false; choose one of them")


def _claim(value: Any) -> str:
    if not _text(value):
        raise ValueError("names no claim; give one such as sub")
    return str(value)


def _keys_url(value: Any) -> str:
    return checked_url(_text(value))


def _engine_url(example: str, *schemes: str) -> Callable[[Any], str]:
    """Of an engine; `file:PATH` names a file that holds it, so that a password stands nowhere else."""

    def parse(value: Any) -> str:
        try:
            text = url_of(_text(value))
        except OSError as error:
            raise ValueError(f"cannot be read ({error.strerror}); name a file that holds the URL") from None
        if urlsplit(text).scheme not in schemes:
            raise ValueError(f"is no such URL; write one like {example}")
        return text

    return parse


def _number(of: type[int] | type[float], kind: str) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        try:
            number = of(value) if isinstance(value, str | int | of) and not isinstance(value, bool) else 0
        except ValueError:
            number = 0
        if not 0 < number < math.inf:
            raise ValueError(f"is not {kind} above 0; give one")
        return number

    return parse


def _days(value: Any) -> int:
    try:
        days = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else -1
    except ValueError:
        days = -1
    if not 0 <= days <= _MOST_DAYS:
        raise ValueError(f"is no whole number of days up to {_MOST_DAYS}; give one, or 0 for no end")
    return days


def _limits() -> list[Setting]:
    settings = []
    for each in fields(Limits):
        parse = _number(int, "a whole number") if each.type is int else _number(float, "a number")
        meaning = f"{each.metadata['what']} [{each.metadata['unit']}; default {each.default}]"
        settings.append(Setting(each.name, parse, meaning, is_limit=True))
    return settings


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("node", _name, "name of this node [default node-1]"),
        Setting("state_dir", _path, "folder of database, signing key and node.json [default ./var]"),
        Setting(
            "listen",
            _endpoints,
            "endpoint for clients: tcp:, tls:, haproxy:…; repeatable [default tcp:7222:interface=127.0.0.1]",
            repeats=True,
        ),
        Setting(
            "http",
            _endpoint_or_off,
            "endpoint of HTTP and WebSocket, or off [default tcp:7280:interface=127.0.0.1]",
        ),
        Setting(
            "admin",
            _endpoint_or_off,
            "endpoint of health and metrics, or off [default tcp:7290:interface=127.0.0.1]",
        ),
        Setting(
            "users",
            _one_of("known", "open"),
            "known: only users made or logged in before; open: any valid id is a user [default known]",
        ),
        Setting(
            "same_class",
            _one_of("coexist", "replace"),
            "what a login does to the user's other devices of its class: coexist, replace [default coexist]",
        ),
        Setting(
            "presence",
            _one_of("everyone", "contacts", "nobody"),
            "whose online state a user may watch: everyone, contacts, nobody [default contacts]",
        ),
        Setting(
            "direct",
            _one_of("anyone", "friends", "hook"),
            "who may write to a user: anyone, friends, or friends and whom a hook lets in [default anyone]",
        ),
        Setting(
            "greeting", _text, "what a user says by accepting a friend request; empty: nothing [default 你好]"
        ),
        Setting(
            "allowed_origins", _texts, "origin of web pages that may connect; repeatable [default: own]", True
        ),
        Setting(
            "trusted_proxies",
            _texts,
            "address or network whose forwarded headers are believed; repeatable [default: none]",
            True,
        ),
        Setting(
            "signing_key_file",
            _path,
            "file of the keys that sign tokens [default: keys.json in the state folder]",
        ),
        Setting(
            "auth",
            _names,
            "who checks tokens, in order: own, jwt, or an installed authenticator's name [default own]",
        ),
        Setting("jwt_key_file", _path, "jwt: file of the public keys, one in PEM form or a JWK set"),
        Setting("jwt_keys_url", _keys_url, "jwt: https URL of the JWK set, instead of a file"),
        Setting("jwt_issuer", _text, "jwt: who must have signed (iss) [default: not checked]"),
        Setting("jwt_audience", _text, "jwt: for whom it must be (aud), or any; must be given"),
        Setting(
            "jwt_user_claim", _claim, "jwt: claim that holds the user's id, dots for nested [default sub]"
        ),
        Setting(
            "jwt_refresh_seconds",
            _number(float, "a number"),
            "jwt: from one reading of the URL to the next [s; default 600]",
        ),
        Setting(
            "jwt_keep_seconds",
            _number(float, "a number"),
            "jwt: how long keys count while the URL cannot be read [s; default 86400]",
        ),
        Setting(
            "api_origins",
            _texts,
            "origin of web pages that may call the HTTP API; repeatable [default: none]",
            True,
        ),
        Setting(
            "webhooks_private",
            _yes_or_no,
            "whether webhooks may be in private networks and on this machine: true, false [default false]",
        ),
        Setting(
            "redis_url",
            _engine_url("redis://:PASSWORD@HOST:6379/0", "redis", "rediss"),
            "cluster: Redis, or file:PATH that holds it [default: none, one process alone]",
            is_secret=True,
        ),
        Setting(
            "amqp_url",
            _engine_url("amqp://USER:PASSWORD@HOST:5672/", "amqp", "amqps"),
            "cluster: RabbitMQ, or file:PATH that holds it [default: none]",
            is_secret=True,
        ),
        Setting(
            "database_url",
            _engine_url("postgresql://USER:PASSWORD@HOST/NAME", "postgresql"),
            "cluster: PostgreSQL of im-business, or file:PATH that holds it [default: none]",
            is_secret=True,
        ),
        Setting(
            "amqp_events",
            _kinds,
            "cluster: kinds of events that go to RabbitMQ, such as stored,read, or all [default: none]",
        ),
        Setting("cluster", _name, "cluster: its name, a prefix of all that it keeps outside [default im]"),
        Setting(
            "shards",
            _number(int, "a whole number"),
            "cluster: shards of the business layer, the same everywhere [default 4]",
        ),
        Setting(
            "advertise",
            _texts,
            "cluster: address that clients are told, tcp:HOST:PORT, tls:…, wss://…; repeatable"
            " [default: where it listens]",
            True,
        ),
        Setting("time_zone", _time_zone, "IANA time zone whose days online time is summed by [default UTC]"),
        Setting(
            "message_days",
            _days,
            "how long the content of messages is kept; 0: for ever [days; default 0]",
        ),
        Setting("log", _one_of("json", "text"), "form of log lines: json, text [default json]"),
        Setting(
            "log_level",
            _one_of("debug", "info", "warn", "error", "critical"),
            "least level of log lines: debug, info, warn, error, critical [default info]",
        ),
        *_limits(),
    )
}
