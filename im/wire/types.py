"""The table of the system's message types: number, body, who may send it, what answers it.

`protocol/README.md` shows the same table for people; a test holds the two equal. Numbers are for
ever: a type that goes leaves its number unused. 10,000 and above belong to apps.
"""

import enum
from typing import NamedTuple

from google.protobuf.message import Message

from im.proto import (
    base_pb2,
    chat_pb2,
    contact_pb2,
    content_pb2,
    group_pb2,
    presence_pb2,
    push_pb2,
    session_pb2,
    sync_pb2,
)

FIRST_CUSTOM_TYPE = 10_000

ONLINE = 1
ONLINE_RESULT = 2
HEARTBEAT = 3
HEARTBEAT_ACK = 4
LOGOUT = 5
CLOSE = 6
ERROR = 7
RESYNC = 8
OK = 9
CHAT = 20
SEND_ACK = 21
DELIVER = 22
DELIVER_ACK = 23
READ = 24
CURSOR = 25
PULL = 26
PAGE = 27
SYNC = 28
SYNC_RESULT = 29
EVENT = 30
GET_PROFILE = 40
SET_PROFILE = 41
PROFILE = 42
REGISTER_PUSH_TOKEN = 43
WATCH = 50
UNWATCH = 51
WATCHED = 52
PRESENCE = 53
CREATE_GROUP = 70
CHANGE_GROUP = 71
GROUP_CHANGED = 72
GET_GROUP = 73
GROUP = 74
GET_MEMBERS = 75
MEMBERS = 76
GET_ASKING = 77
ASKING = 78
CHANGE_MESSAGE = 80
MESSAGE_CHANGED = 81
DELETE_ENTRIES = 82
CLEAR_HISTORY = 83
PLACE = 84
GET_READERS = 85
READERS = 86
CHANGE_RELATION = 90
GET_RELATION = 91
RELATION = 92
GET_REQUESTS = 93
REQUESTS = 94
SEE_REQUESTS = 95
SET_CONTACT = 96
CONTACT = 97


class Direction(enum.Enum):
    """Who may send a type."""

    CLIENT = "client"
    SERVER = "server"


class WireType(NamedTuple):
    """A row of the table. `answers` are the types that may come back; `login`: only after a login."""

    number: int
    name: str
    body: type[Message]
    direction: Direction
    login: bool
    answers: tuple[int, ...]


_C, _S = Direction.CLIENT, Direction.SERVER

TYPES: dict[int, WireType] = {
    row.number: row
    for row in (
        WireType(ONLINE, "ONLINE", session_pb2.OnlineMessage, _C, False, (ONLINE_RESULT, ERROR, CLOSE)),
        WireType(ONLINE_RESULT, "ONLINE_RESULT", session_pb2.OnlineResult, _S, True, ()),
        WireType(HEARTBEAT, "HEARTBEAT", session_pb2.Heartbeat, _C, True, (HEARTBEAT_ACK,)),
        WireType(HEARTBEAT_ACK, "HEARTBEAT_ACK", session_pb2.HeartbeatAck, _S, True, ()),
        WireType(LOGOUT, "LOGOUT", session_pb2.Logout, _C, True, (CLOSE,)),
        WireType(CLOSE, "CLOSE", base_pb2.Close, _S, False, ()),
        WireType(ERROR, "ERROR", base_pb2.Error, _S, False, ()),
        WireType(RESYNC, "RESYNC", sync_pb2.Resync, _S, True, ()),
        WireType(OK, "OK", base_pb2.Ok, _S, True, ()),
        WireType(CHAT, "CHAT", chat_pb2.Chat, _C, True, (SEND_ACK, ERROR)),
        WireType(SEND_ACK, "SEND_ACK", chat_pb2.SendAck, _S, True, ()),
        WireType(DELIVER, "DELIVER", chat_pb2.Deliver, _S, True, (DELIVER_ACK,)),
        WireType(DELIVER_ACK, "DELIVER_ACK", chat_pb2.DeliverAck, _C, True, ()),
        WireType(READ, "READ", chat_pb2.Read, _C, True, (CURSOR, ERROR)),
        WireType(CURSOR, "CURSOR", chat_pb2.Cursor, _S, True, ()),
        WireType(PULL, "PULL", sync_pb2.Pull, _C, True, (PAGE, ERROR)),
        WireType(PAGE, "PAGE", sync_pb2.Page, _S, True, ()),
        WireType(SYNC, "SYNC", sync_pb2.Sync, _C, True, (SYNC_RESULT, ERROR)),
        WireType(SYNC_RESULT, "SYNC_RESULT", sync_pb2.SyncResult, _S, True, ()),
        WireType(EVENT, "EVENT", push_pb2.Event, _S, True, ()),
        WireType(GET_PROFILE, "GET_PROFILE", session_pb2.GetProfile, _C, True, (PROFILE, ERROR)),
        WireType(SET_PROFILE, "SET_PROFILE", session_pb2.SetProfile, _C, True, (PROFILE, ERROR)),
        WireType(PROFILE, "PROFILE", session_pb2.Profile, _S, True, ()),
        WireType(
            REGISTER_PUSH_TOKEN, "REGISTER_PUSH_TOKEN", session_pb2.RegisterPushToken, _C, True, (OK, ERROR)
        ),
        WireType(WATCH, "WATCH", presence_pb2.Watch, _C, True, (WATCHED, ERROR)),
        WireType(UNWATCH, "UNWATCH", presence_pb2.Unwatch, _C, True, (OK, ERROR)),
        WireType(WATCHED, "WATCHED", presence_pb2.Watched, _S, True, ()),
        WireType(PRESENCE, "PRESENCE", presence_pb2.Presence, _S, True, ()),
        WireType(CREATE_GROUP, "CREATE_GROUP", group_pb2.CreateGroup, _C, True, (GROUP_CHANGED, ERROR)),
        WireType(CHANGE_GROUP, "CHANGE_GROUP", group_pb2.ChangeGroup, _C, True, (GROUP_CHANGED, ERROR)),
        WireType(GROUP_CHANGED, "GROUP_CHANGED", group_pb2.GroupChanged, _S, True, ()),
        WireType(GET_GROUP, "GET_GROUP", group_pb2.GetGroup, _C, True, (GROUP, ERROR)),
        WireType(GROUP, "GROUP", group_pb2.Group, _S, True, ()),
        WireType(GET_MEMBERS, "GET_MEMBERS", group_pb2.GetMembers, _C, True, (MEMBERS, ERROR)),
        WireType(MEMBERS, "MEMBERS", group_pb2.Members, _S, True, ()),
        WireType(GET_ASKING, "GET_ASKING", group_pb2.GetAsking, _C, True, (ASKING, ERROR)),
        WireType(ASKING, "ASKING", group_pb2.AskingPage, _S, True, ()),
        WireType(
            CHANGE_MESSAGE, "CHANGE_MESSAGE", content_pb2.ChangeMessage, _C, True, (MESSAGE_CHANGED, ERROR)
        ),
        WireType(MESSAGE_CHANGED, "MESSAGE_CHANGED", content_pb2.MessageChanged, _S, True, ()),
        WireType(DELETE_ENTRIES, "DELETE_ENTRIES", content_pb2.DeleteEntries, _C, True, (PLACE, ERROR)),
        WireType(CLEAR_HISTORY, "CLEAR_HISTORY", content_pb2.ClearHistory, _C, True, (PLACE, ERROR)),
        WireType(PLACE, "PLACE", content_pb2.Place, _S, True, ()),
        WireType(GET_READERS, "GET_READERS", content_pb2.GetReaders, _C, True, (READERS, ERROR)),
        WireType(READERS, "READERS", content_pb2.Readers, _S, True, ()),
        WireType(CHANGE_RELATION, "CHANGE_RELATION", contact_pb2.ChangeRelation, _C, True, (RELATION, ERROR)),
        WireType(GET_RELATION, "GET_RELATION", contact_pb2.GetRelation, _C, True, (RELATION, ERROR)),
        WireType(RELATION, "RELATION", contact_pb2.Relation, _S, True, ()),
        WireType(GET_REQUESTS, "GET_REQUESTS", contact_pb2.GetRequests, _C, True, (REQUESTS, ERROR)),
        WireType(REQUESTS, "REQUESTS", contact_pb2.Requests, _S, True, ()),
        WireType(SEE_REQUESTS, "SEE_REQUESTS", contact_pb2.SeeRequests, _C, True, (OK, ERROR)),
        WireType(SET_CONTACT, "SET_CONTACT", contact_pb2.SetContact, _C, True, (CONTACT, ERROR)),
        WireType(CONTACT, "CONTACT", contact_pb2.ContactState, _S, True, ()),
    )
}

NUMBERS: dict[type[Message], int] = {row.body: row.number for row in TYPES.values()}
