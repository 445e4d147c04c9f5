"""Connection 4: two users on two nodes of a cluster. Takes the cluster's state folder."""

import secrets
import sys
from pathlib import Path

from here import Line, expect, somebody

from im.cli.keys import local_token
from im.core.ids import direct_conversation
from im.proto.chat_pb2 import Chat, Deliver, SendAck
from im.tap.statedir import read_node_file

FOLDER = Path(sys.argv[1])


def on(node: str, name: str) -> Line:
    """A connection of a new user to one node of the cluster."""
    user = somebody(name)
    told = read_node_file(FOLDER / node)
    if told is None:
        raise SystemExit(f"{node} does not run in {FOLDER}; start scripts/cluster")
    return Line(user, {"IM_CONNECT": told.listen[0], "IM_TOKEN": local_token(FOLDER, user, 600.0)})


alice, bob = on("node-1", "alice"), on("node-2", "bob")
nodes = (alice.online.node, bob.online.node)
expect(nodes == ("node-1", "node-2"), f"alice is on {nodes[0]}, bob on {nodes[1]}")
talk = direct_conversation(alice.online.user, bob.online.user)
chat = Chat(conversation=talk, client_msg_id=secrets.token_bytes(16), kind=1, content=b"hello over there")
expect(isinstance(alice.ask(chat, 1), SendAck), "a worker stored what alice sent")
deliver = bob.wait_for(Deliver)
expect(deliver.entry.content == chat.content, f"bob hears: {deliver.entry.content.decode()}")
for line in (alice, bob):
    line.cut()
