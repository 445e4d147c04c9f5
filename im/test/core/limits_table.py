"""The table of `docs/limits.md`, made from the code.

`python -m im.test.core.limits_table --write` brings the page up to date.
"""

import sys
from dataclasses import fields
from pathlib import Path

from im.adapters.jwt import verifier
from im.adapters.token import keys, signed
from im.business import purging
from im.business.worker import MAX_UNLOCATED
from im.core.ids import MAX_ID_CHARACTERS
from im.core.limits import Limits
from im.core.validation import CLIENT_MSG_ID_BYTES
from im.gateway import cursors, endpoints, websocket
from im.http import admin, site
from im.http.bodies import MAX_HELD_BYTES, SHARE_BYTES
from im.http.port import MAX_HEAD_BYTES
from im.http.site import BODY_SECONDS, MAX_BODY_BYTES

PAGE = Path(__file__).parents[3] / "docs" / "limits.md"
HEAD = """\
# Limits

Every limit of a node, with its default. Each name is also an option of the configuration
([operating.md](operating.md)). All must be positive; `frame_bytes` is at most 262144 and exceeds
`content_bytes` and `page_bytes` by at least 1024. Clients learn those that concern them at login.

| name | default | unit | what |
|---|---|---|---|
"""
FOOT = """
## Fixed

No setting changes these.

| limit | value | unit | what |
|---|---|---|---|
"""
FIXED = (
    ("user or device id", MAX_ID_CHARACTERS, "characters", "printable, without spaces and without `~`"),
    ("`client_msg_id`", CLIENT_MSG_ID_BYTES, "bytes", "exactly"),
    ("own token", signed._MAX_TOKEN_CHARACTERS, "characters", "signed by the node's keys"),
    ("token of others", verifier._MAX_TOKEN_CHARACTERS, "characters", "a JWT that somebody else signs"),
    ("key file", keys._MAX_FILE_BYTES, "bytes", "of signing keys"),
    (
        "HTTP head",
        MAX_HEAD_BYTES,
        "bytes",
        "of a first request, which may take `login_seconds`",
    ),
    ("HTTP body", MAX_BODY_BYTES, "bytes", "of one request"),
    ("time of a body", BODY_SECONDS, "s", "from the end of the head to the end of the body"),
    ("HTTP bodies", MAX_HELD_BYTES, "bytes", "of all requests of one port at a time"),
    ("HTTP bodies of one", SHARE_BYTES, "bytes", "of those, from one address (IPv6: one /64)"),
    ("idle HTTP", site._IDLE_SECONDS, "s", "until a connection without requests is closed"),
    (
        "PROXY header",
        endpoints._PROXY_HEADER_SECONDS,
        "s",
        "from connect to its end, with `haproxy:`",
    ),
    (
        "control frames",
        websocket._CONTROL_FRAMES_PER_ROUND,
        "frames",
        "of a WebSocket in a round of keepalives",
    ),
    ("delivered cursors", cursors.MAX_WAITING, "cursors", "of one node, not yet written"),
    ("purge", purging.ENTRIES_AT_ONCE, "entries", "of the log, in one transaction that removes old content"),
    (
        "unlocated announcements",
        MAX_UNLOCATED,
        "announcements",
        "that wait for the registry; a sync finds what they told",
    ),
    ("sessions page", admin._MAX_SESSIONS, "sessions", "of one answer of the admin API"),
)
"""What is bounded without a setting: name, value, unit, what."""


def page() -> str:
    """The whole page."""
    rows = (
        f"| `{each.name}` | {each.default:g} | {each.metadata['unit']} | {each.metadata['what']} |\n"
        if isinstance(each.default, float)
        else f"| `{each.name}` | {each.default} | {each.metadata['unit']} | {each.metadata['what']} |\n"
        for each in fields(Limits)
    )
    fixed = (f"| {name} | {value:.12g} | {unit} | {what} |\n" for name, value, unit, what in FIXED)
    return HEAD + "".join(rows) + FOOT + "".join(fixed)


def main(arguments: list[str]) -> None:
    """Print the page, or write it with `--write`."""
    if arguments == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())


if __name__ == "__main__":
    main(sys.argv[1:])
