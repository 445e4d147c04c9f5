"""The client library: a sans-IO core, a Twisted front, and bots.

>>> from im.client import Client, ClientSettings, SqliteState
>>> async def greet(reactor):
...     state = SqliteState("alice.db")
...     settings = ClientSettings(addresses=("tcp:127.0.0.1:7222",), token="…", state=state)
...     client = Client(settings, reactor)
...     client.on_message(lambda message: print(message.sender, message.text))
...     client.start()
...     sent = await client.send_to("bob", "hello")
...     print(sent.conversation, sent.seq, sent.server_time_ms)
...     await client.stop()
"""

from im.client.bot import Bot, Incoming
from im.client.client import Client
from im.client.core.contents import Change
from im.client.core.events import (
    AppBody,
    CursorMoved,
    Message,
    Pushed,
    SendFailed,
    SendPending,
    SendUnknown,
    Sent,
)
from im.client.core.timing import Timing
from im.client.environment import NoSettingsError, environment_settings
from im.client.errors import (
    BlockedError,
    ClientError,
    ClientStoppedError,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    OutboxFullError,
    PermissionDeniedError,
    RequestTimeoutError,
    ServerError,
    StateLockedError,
    StateVersionError,
    UnauthenticatedError,
)
from im.client.memory_state import MemoryState
from im.client.pushes import is_shown, pushed
from im.client.settings import ClientSettings, ClientStatus, HistoryPage, Profile, Status
from im.client.sqlite_state import SqliteState
from im.core.contents import Rich
from im.core.ids import direct_conversation
from im.core.messages import Head
from im.core.presence import OnlineDevice, Presence

__all__ = [
    "AppBody",
    "BlockedError",
    "Bot",
    "Change",
    "Client",
    "ClientError",
    "ClientSettings",
    "ClientStatus",
    "ClientStoppedError",
    "ConflictError",
    "CursorMoved",
    "Head",
    "HistoryPage",
    "Incoming",
    "InvalidArgumentError",
    "MemoryState",
    "Message",
    "NoSettingsError",
    "NotFoundError",
    "OnlineDevice",
    "OutboxFullError",
    "PermissionDeniedError",
    "Presence",
    "Profile",
    "Pushed",
    "RequestTimeoutError",
    "Rich",
    "SendFailed",
    "SendPending",
    "SendUnknown",
    "Sent",
    "ServerError",
    "SqliteState",
    "StateLockedError",
    "StateVersionError",
    "Status",
    "Timing",
    "UnauthenticatedError",
    "direct_conversation",
    "environment_settings",
    "is_shown",
    "pushed",
]
