"""Every limit of a node, with its default. `docs/limits.md` is held equal to this by a test."""

from dataclasses import dataclass, field, fields
from typing import Any


def _limit(default: Any, unit: str, what: str) -> Any:
    return field(default=default, metadata={"unit": unit, "what": what})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one node; each field is also an option of the configuration."""

    frame_bytes: int = _limit(65_536, "bytes", "largest frame, at most 262144")
    content_bytes: int = _limit(32_768, "bytes", "largest content of one message")
    login_seconds: float = _limit(10.0, "s", "from connect to a login")
    heartbeat_seconds: float = _limit(30.0, "s", "between beats of a client in the foreground")
    background_heartbeat_seconds: float = _limit(240.0, "s", "between beats of a client in the background")
    frames_per_second: int = _limit(1_000, "frames/s", "of one connection, sustained")
    frames_burst: int = _limit(2_000, "frames", "of one connection, at once")
    sends_in_flight: int = _limit(64, "messages", "of one connection, sent and not yet answered")
    pages_in_flight: int = _limit(4, "pages", "of one connection, asked for and not yet answered")
    requests_in_flight: int = _limit(20_000, "requests", "of one node, waiting for the business layer")
    request_seconds: float = _limit(5.0, "s", "until the business layer's answer is given up as unavailable")
    connections_per_address: int = _limit(20_000, "connections", "from one client address")
    connections: int = _limit(100_000, "connections", "of one node")
    http_connections: int = _limit(10_000, "connections", "of one node's HTTP port, WebSockets left out")
    sessions_per_user: int = _limit(16, "sessions", "of one user")
    devices_per_user: int = _limit(64, "devices", "of one user, ever logged in")
    window_deliveries: int = _limit(512, "deliveries", "of one session, written and not acknowledged")
    window_bytes: int = _limit(1_048_576, "bytes", "of one session's frames, written and not acknowledged")
    queue_bytes: int = _limit(262_144, "bytes", "of one connection, not yet taken by the network")
    slow_reader_seconds: float = _limit(30.0, "s", "a full queue may stand before the session ends")
    resend_seconds: float = _limit(5.0, "s", "until a delivery is resent the first time; doubles")
    resends: int = _limit(3, "times", "a delivery is resent before the session is given up")
    delivered_flush_seconds: float = _limit(1.0, "s", "between writes of one delivered cursor")
    page_entries: int = _limit(200, "entries", "of one page of a conversation")
    page_bytes: int = _limit(49_152, "bytes", "of one page, content included; one entry always fits")
    sync_heads: int = _limit(100, "conversations", "of one page of a sync")
    profile_bytes: int = _limit(4_096, "bytes", "of one profile")
    new_users_per_minute: int = _limit(6_000, "users", "made by their first mention (users=open)")
    clock_skew_seconds: int = _limit(60, "s", "that a token's clock may differ from ours")
    refusal_delay_seconds: float = _limit(1.0, "s", "before a bad token is answered")
    drain_seconds: float = _limit(8.0, "s", "from the signal to the end of the process")
    batch_requests: int = _limit(256, "requests", "in one transaction")
    api_requests_per_second: int = _limit(1_000, "requests/s", "of one key, user or address to the HTTP API")
    api_requests_burst: int = _limit(
        2_000, "requests", "of one key, user or address to the HTTP API, at once"
    )
    watched_users: int = _limit(500, "users", "whose presence one session may watch")
    presence_grace_seconds: float = _limit(5.0, "s", "that a device that went is shown online for")
    offline_after_seconds: float = _limit(10.0, "s", "until a message that reached nobody is told as such")
    session_days: int = _limit(92, "days", "that the ledger keeps each session; with them hours")
    online_days: int = _limit(1_100, "days", "that the ledger keeps the sums of a day")
    group_members: int = _limit(5_000, "users", "in one group")
    groups_per_user: int = _limit(1_000, "groups", "in which one user is")
    recall_seconds: float = _limit(120.0, "s", "in which a sender may take a message back")
    edit_seconds: float = _limit(86_400.0, "s", "in which a sender may change a message")
    handler_records: int = _limit(1_000_000, "records", "in the store of one handler of others")
    handler_bytes: int = _limit(268_435_456, "bytes", "in the store of one handler of others, keys included")
    handler_value_bytes: int = _limit(65_536, "bytes", "of one record of a handler of others")

    def __post_init__(self) -> None:
        for each in fields(self):
            if not getattr(self, each.name) > 0:
                raise ValueError(f"{each.name} must be positive")
        if self.frame_bytes > 262_144:
            raise ValueError("frame_bytes must be at most 262144")
        if self.frame_bytes < self.content_bytes + 1_024 or self.frame_bytes < self.page_bytes + 1_024:
            raise ValueError("frame_bytes must exceed content_bytes and page_bytes by 1024")
