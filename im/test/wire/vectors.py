"""Golden frames for clients in any language: `protocol/vectors/frames.json`.

`python -m im.test.wire.vectors --write` makes the file anew after a type was added. What stands in it
for an existing type never changes within a version of the protocol.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf import json_format
from google.protobuf.message import Message

from im.proto import base_pb2, chat_pb2, presence_pb2, push_pb2, session_pb2, sync_pb2
from im.test.wire import vectors_contacts, vectors_groups
from im.wire.codec import pack, pack_raw
from im.wire.frames import frame
from im.wire.types import FIRST_CUSTOM_TYPE, NUMBERS, TYPES

FILE = Path(__file__).parents[3] / "protocol" / "vectors" / "frames.json"
LARGEST = 2**64 - 1
MESSAGE_ID = bytes.fromhex("0192d4a1b2c37e5f8a9bacbdcedfe0f1")
EARLIER_ID = bytes.fromhex("0192d4a1b2c27000b000000000000001")
EPOCH = "5f1c2a9d"
TIME_MS = 1_795_500_000_123


class Vector(NamedTuple):
    """A frame: what it shows, the id of its envelope, its body."""

    name: str
    request_id: int
    body: Message


def _login() -> Iterator[Vector]:
    cursor = sync_pb2.SyncCursor(epoch=EPOCH, position=42)
    yield Vector(
        "login",
        1,
        session_pb2.OnlineMessage(
            min_version=1,
            max_version=1,
            token="header.payload.signature",
            device_id="pixel-7",
            device_class="phone",
            attempt=TIME_MS,
            app_state=session_pb2.BACKGROUND,
            cursor=cursor,
            client="im-python/0.1",
            heartbeat_ms=60_000,
        ),
    )
    yield Vector(
        "login of a device without state",
        1,
        session_pb2.OnlineMessage(
            min_version=1, max_version=1, token="t", device_id="d", device_class="bot", attempt=1
        ),
    )
    yield Vector(
        "login answer with a first sync page",
        1,
        session_pb2.OnlineResult(
            version=1,
            session="s-1",
            node="node-1",
            user="bob",
            server_time_ms=TIME_MS,
            heartbeat_ms=30_000,
            limits=session_pb2.ServerLimits(
                frame_bytes=65_536,
                content_bytes=32_768,
                frames_per_second=200,
                page_entries=200,
                sends_in_flight=64,
            ),
            sync=sync_pb2.SyncResult(cursor=cursor, heads=[_head()], next="d~alice~bob"),
        ),
    )


def _session() -> Iterator[Vector]:
    yield Vector("heartbeat in the foreground: an empty body", 2, session_pb2.Heartbeat())
    yield Vector("heartbeat in the background", 3, session_pb2.Heartbeat(app_state=session_pb2.BACKGROUND))
    yield Vector(
        "heartbeat answer", 3, session_pb2.HeartbeatAck(server_time_ms=TIME_MS, heartbeat_ms=240_000)
    )
    yield Vector("logout", 4, session_pb2.Logout())
    yield Vector("push token", 20, session_pb2.RegisterPushToken(platform="fcm", token="dQw4w9:APA91b"))
    yield Vector("push token to be forgotten", 21, session_pb2.RegisterPushToken(platform="fcm"))
    yield Vector("profile question", 5, session_pb2.GetProfile(user="用户"))
    yield Vector(
        "profile change: an empty name is set, an absent avatar stays",
        6,
        session_pb2.SetProfile(name="", fields={"city": "München"}),
    )
    yield Vector(
        "profile",
        6,
        session_pb2.Profile(user="bob", name="Bob 🙂", avatar="https://x/b.png", fields={"k": ""}),
    )


def _base() -> Iterator[Vector]:
    yield Vector(
        "close: come back elsewhere",
        0,
        base_pb2.Close(
            code=38,
            name="draining",
            text="the node is going down",
            reconnect=True,
            retry_after_ms=1_500,
            alternate="tcp:host=node-2:port=7222",
        ),
    )
    yield Vector("close: stay away", 0, base_pb2.Close(code=34, name="displaced", text="a newer login"))
    yield Vector(
        "error of a login attempt that is not larger",
        1,
        base_pb2.Error(
            code=14, name="stale_attempt", text="a newer login is known", retryable=True, last_attempt=LARGEST
        ),
    )
    yield Vector(
        "error with a field and a largest id",
        LARGEST,
        base_pb2.Error(code=1, name="invalid_argument", text="content is empty", field="content"),
    )
    yield Vector(
        "error with a time to wait",
        7,
        base_pb2.Error(code=8, name="rate_limited", text="slower", retryable=True, retry_after_ms=2_000),
    )
    yield Vector("resync of everything: an empty body", 0, sync_pb2.Resync())
    yield Vector("resync of two", 0, sync_pb2.Resync(conversations=["d~alice~bob", "i~bob"]))
    yield Vector("ok", 8, base_pb2.Ok())


def _chat() -> Iterator[Vector]:
    yield Vector(
        "message",
        9,
        chat_pb2.Chat(
            conversation="d~alice~bob",
            client_msg_id=MESSAGE_ID,
            after=EARLIER_ID,
            seen_seq=300,
            kind=1,
            content="你好, wörld 🙂".encode(),
        ),
    )
    yield Vector("message with default values only", LARGEST, chat_pb2.Chat())
    yield Vector(
        "send answer",
        9,
        chat_pb2.SendAck(conversation="d~alice~bob", seq=301, server_time_ms=TIME_MS, epoch=EPOCH),
    )
    yield Vector(
        "send answer, largest numbers",
        LARGEST,
        chat_pb2.SendAck(conversation="d~é~用户", seq=LARGEST, server_time_ms=LARGEST, epoch=EPOCH),
    )
    yield Vector(
        "delivery",
        0,
        chat_pb2.Deliver(conversation="d~alice~bob", epoch=EPOCH, entry=_entry("你好".encode())),
    )
    yield Vector(
        "delivery of a placeholder",
        0,
        chat_pb2.Deliver(conversation="d~alice~bob", epoch=EPOCH, entry=sync_pb2.Entry(seq=128, n=127)),
    )
    yield Vector("delivery acknowledgement", 0, chat_pb2.DeliverAck(conversation="d~alice~bob", seq=301))
    yield Vector("read", 10, chat_pb2.Read(conversation="d~alice~bob", seq=127))
    yield Vector(
        "cursor",
        10,
        chat_pb2.Cursor(
            conversation="d~alice~bob", user="bob", read_seq=127, delivered_seq=16_384, unread=LARGEST
        ),
    )


def _sync() -> Iterator[Vector]:
    yield Vector("pull of the newest", 11, sync_pb2.Pull(conversation="d~alice~bob", backward=True))
    yield Vector("pull of a gap", 12, sync_pb2.Pull(conversation="d~alice~bob", from_seq=299, limit=2))
    yield Vector(
        "page",
        12,
        sync_pb2.Page(
            conversation="d~alice~bob",
            epoch=EPOCH,
            entries=[sync_pb2.Entry(seq=300, n=290, sender="bob"), _entry(bytes(range(256)))],
            visible_from=1,
            head_seq=301,
            active=True,
            member_version=1,
            read_seq=127,
            peer_read_seq=300,
            peer_delivered_seq=301,
            more=True,
        ),
    )
    yield Vector("first sync: no cursor", 13, sync_pb2.Sync())
    yield Vector(
        "next page of a sync",
        14,
        sync_pb2.Sync(cursor=sync_pb2.SyncCursor(epoch=EPOCH, position=LARGEST), after="d~alice~bob"),
    )
    yield Vector(
        "last page of a sync",
        14,
        sync_pb2.SyncResult(cursor=sync_pb2.SyncCursor(epoch=EPOCH, position=43), heads=[_head()]),
    )


def _entry(content: bytes) -> sync_pb2.Entry:
    return sync_pb2.Entry(
        seq=301,
        n=291,
        kind=1,
        sender="alice",
        client_msg_id=MESSAGE_ID,
        server_time_ms=TIME_MS,
        content=content,
    )


def _head() -> sync_pb2.Head:
    return sync_pb2.Head(
        conversation="d~alice~bob",
        head_seq=301,
        head_n=291,
        head_time_ms=TIME_MS,
        unread=174,
        read_seq=127,
        delivered_seq=300,
        visible_from=1,
        active=True,
        member_version=1,
        epoch_seq=128,
        peer_read_seq=300,
        peer_delivered_seq=301,
        last=_entry(b"hi"),
    )


def _push() -> Iterator[Vector]:
    event = push_pb2.Event(json=b'{"order":7,"paid":true}')
    yield Vector("event: a push as a signal", 0, event)
    push = push_pb2.Push(
        type=NUMBERS[push_pb2.Event],
        body=event.SerializeToString(),
        collapse_key="order 7",
        expires_ms=TIME_MS + 60_000,
        device_classes=["phone", "web"],
    )
    entry = sync_pb2.Entry(
        seq=3,
        kind=100,
        client_msg_id=MESSAGE_ID,
        server_time_ms=TIME_MS,
        content=push.SerializeToString(),
    )
    deliver = chat_pb2.Deliver(conversation="i~alice", epoch=EPOCH, entry=entry)
    yield Vector("deliver: a push in the inbox", 0, deliver)


def _groups() -> Iterator[Vector]:
    return (Vector(*each) for each in (*vectors_groups.bodies(), *vectors_contacts.bodies()))


def _presence() -> Iterator[Vector]:
    yield Vector("watch users", 17, presence_pb2.Watch(users=["bob", "zoë", "eve"]))
    yield Vector("watch a user no more", 18, presence_pb2.Unwatch(users=["bob"]))
    yield Vector("watch nobody any more", 19, presence_pb2.Unwatch())
    devices = [
        presence_pb2.OnlineDevice(device_class="phone", app_state=session_pb2.FOREGROUND),
        presence_pb2.OnlineDevice(device_class="web", app_state=session_pb2.BACKGROUND),
    ]
    bob = presence_pb2.Presence(user="bob", devices=devices)
    yield Vector(
        "watched: one is online, one was never seen, one may not be watched",
        17,
        presence_pb2.Watched(users=[bob, presence_pb2.Presence(user="zoë")], refused=["eve"]),
    )
    yield Vector(
        "presence: somebody went offline", 0, presence_pb2.Presence(user="bob", last_seen_ms=TIME_MS)
    )


def vectors() -> list[dict[str, Any]]:
    """The content of the file, in the order of the type numbers."""
    rows = [
        _row(each)
        for part in (_login, _session, _base, _chat, _sync, _push, _presence, _groups)
        for each in part()
    ]
    body = b"\x08\x2a"
    rows.append(
        {
            "name": "a type of an app: the body is the app's own",
            "type": FIRST_CUSTOM_TYPE,
            "type_name": "",
            "id": "15",
            "frame": frame(pack_raw(FIRST_CUSTOM_TYPE, body, 15)).hex(),
            "body": body.hex(),
        }
    )
    rows.append(
        {
            "name": "a type of an app: in a conversation, with a key that repetitions keep",
            "type": FIRST_CUSTOM_TYPE,
            "type_name": "",
            "id": "16",
            "frame": frame(pack_raw(FIRST_CUSTOM_TYPE, body, 16, "d~alice~bob", MESSAGE_ID)).hex(),
            "body": body.hex(),
            "conversation": "d~alice~bob",
            "key": MESSAGE_ID.hex(),
        }
    )
    return sorted(rows, key=lambda row: int(row["type"]))


def _row(vector: Vector) -> dict[str, Any]:
    number = NUMBERS[type(vector.body)]
    return {
        "name": vector.name,
        "type": number,
        "type_name": TYPES[number].name,
        "id": str(vector.request_id),
        "frame": frame(pack(vector.body, vector.request_id)).hex(),
        "fields": json_format.MessageToDict(vector.body, preserving_proto_field_name=True),
    }


def text() -> str:
    """The file as it should be."""
    return json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"


def main(arguments: list[str]) -> None:
    """Print the file, or write it with `--write`."""
    if arguments == ["--write"]:
        FILE.write_text(text(), encoding="utf-8")
    else:
        sys.stdout.write(text())


if __name__ == "__main__":
    main(sys.argv[1:])
