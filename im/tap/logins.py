"""Who may log in: the authenticators that the configuration names, and that of operators."""

import time
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from im.adapters.jwt.authenticator import JwtAuthenticator
from im.adapters.jwt.public_keys import MAX_BYTES
from im.adapters.jwt.sources import FileKeys, KeySource
from im.adapters.jwt.url_keys import Schedule, UrlKeys
from im.adapters.jwt.verifier import JwtVerifier, TokenRules
from im.adapters.token.authenticator import TokenAuthenticator
from im.adapters.token.keys import KeyRing, create_key_file, load_keys
from im.adapters.token.several import SeveralAuthenticators, TokenCounters
from im.adapters.token.signed import SignedTokens
from im.ports import IAuthenticator
from im.tap.config import Config
from im.tap.process import INodeReactor
from im.tap.reloading import reload_all

KEY_FILE = "keys.json"
GROUP = "im.authenticators"
"""Entry points of authenticators: a factory called with its settings and the reactor."""

OWN, JWT, ANY_AUDIENCE = "own", "jwt", "any"


class Logins:
    """Checks tokens from `start` to `stop`. Raises `ValueError` for a configuration that cannot be.

    `authenticator` is for clients. `operators` takes own tokens only: nobody else's word opens the
    admin port.
    """

    def __init__(self, config: Config, reactor: INodeReactor) -> None:
        self._config = config
        self._reactor = reactor
        self._tokens = SignedTokens(_keys(config), time.time, config.limits.clock_skew_seconds)
        self._source: KeySource | None = None
        self.counters = TokenCounters()
        self.operators: IAuthenticator = TokenAuthenticator(self._tokens)
        authenticators = [self._authenticator(name) for name in config.auth]
        self.authenticator: IAuthenticator = SeveralAuthenticators(authenticators, self.counters)

    @property
    def checks(self) -> Mapping[str, Callable[[], str]]:
        """What `/readyz` asks."""
        return {} if self._source is None else {"jwt_keys": self._source.problem}

    def mint(self, user: str, seconds: float) -> str:
        """A token of our own for a user, good for some seconds. Raises `ValueError` for a bad user id."""
        return self._tokens.mint(user, seconds)

    def start(self) -> None:
        """Begin to read keys from the web, if that is where they are."""
        if self._source is not None:
            self._source.start()

    def stop(self) -> None:
        """End that."""
        if self._source is not None:
            self._source.stop()

    def reload(self) -> None:
        """Read all keys again. Raises `ValueError` with what went wrong; those keys stay."""
        sources = () if self._source is None else (self._source.reload,)
        reload_all((lambda: self._tokens.use(_keys(self._config)), *sources))

    def _authenticator(self, name: str) -> IAuthenticator:
        if name == OWN:
            return self.operators
        if name == JWT:
            self._source = self._key_source()
            return JwtAuthenticator(JwtVerifier(self._rules(), time.time), self._source)
        return foreign_authenticator(name, self._config.authenticators.get(name, {}), self._reactor)

    def _key_source(self) -> KeySource:
        config = self._config
        if (config.jwt_key_file is None) is (not config.jwt_keys_url):
            raise ValueError("auth names jwt: give it either jwt_key_file or jwt_keys_url")
        if config.jwt_key_file is not None:
            return FileKeys(config.jwt_key_file)
        if config.jwt_keep_seconds < config.jwt_refresh_seconds:
            raise ValueError("jwt_keep_seconds is shorter than jwt_refresh_seconds; make it longer")
        # Brings the HTTP client along, which most nodes have no use for.
        from im.adapters.jwt.fetching import Fetcher

        schedule = Schedule(config.jwt_refresh_seconds, config.jwt_keep_seconds)
        fetcher = Fetcher(self._reactor, config.jwt_keys_url, MAX_BYTES)
        return UrlKeys(config.jwt_keys_url, fetcher, self._reactor, schedule)

    def _rules(self) -> TokenRules:
        config = self._config
        if not config.jwt_audience:
            raise ValueError(
                "auth names jwt: say in jwt_audience for whom its tokens are made, or any to take those "
                "for others, too"
            )
        audience = "" if config.jwt_audience == ANY_AUDIENCE else config.jwt_audience
        skew = config.limits.clock_skew_seconds
        return TokenRules(config.jwt_issuer, audience, config.jwt_user_claim, skew)


def foreign_authenticator(name: str, settings: Mapping[str, Any], reactor: INodeReactor) -> IAuthenticator:
    """The authenticator of an installed package. Raises `ValueError` with one sentence."""
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        known = sorted({OWN, JWT, *entry_points(group=GROUP).names})
        raise ValueError(f"auth names {name}, which is no authenticator here; there are {', '.join(known)}")
    if len(found) > 1:
        packages = " and ".join(sorted(_package(each) for each in found))
        raise ValueError(f"{packages} both bring an authenticator called {name}; uninstall one")
    (entry_point,) = found
    try:
        factory = entry_point.load()
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"the authenticator {name} of {_package(entry_point)} cannot be loaded: {error}"
        ) from error
    if not callable(factory):
        raise ValueError(f"the authenticator {name} of {_package(entry_point)} is no factory")  # noqa: TRY004
    made = factory(settings, reactor)
    if not IAuthenticator.providedBy(made):
        raise ValueError(
            f"the authenticator {name} of {_package(entry_point)} made a {type(made).__name__}, "
            "which is no im.ports.IAuthenticator"
        )
    authenticator: IAuthenticator = made
    return authenticator


def _package(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist is not None else entry_point.value


def _keys(config: Config) -> KeyRing:
    """The signing keys; those of the state folder are made at the first start."""
    if config.signing_key_file is not None:
        return load_keys(config.signing_key_file)
    path = config.state_dir / KEY_FILE
    return load_keys(path) if path.exists() else create_key_file(path)
