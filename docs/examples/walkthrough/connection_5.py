"""Connection 5: what is acknowledged is stored, and what is sent again is stored once."""

import secrets

from here import Line, expect, somebody

from im.core.ids import direct_conversation
from im.proto.chat_pb2 import Chat, Cursor, Deliver, DeliverAck, SendAck
from im.proto.sync_pb2 import Page, Pull

alice, bob = Line(somebody("alice")), Line(somebody("bob"))
talk = direct_conversation(alice.online.user, bob.online.user)
chat = Chat(conversation=talk, client_msg_id=secrets.token_bytes(16), kind=1, content=b"once")
alice.send(chat, 1)
alice.cut()
print("alice sends, and her connection breaks before the answer")
alice = Line(alice.online.user)
first = alice.ask(chat, 1)
expect(isinstance(first, SendAck), "she sends it again under the same id: stored")
expect(alice.ask(chat, 2) == first, "and again: the first answer")
page = alice.ask(Pull(conversation=talk, from_seq=1), 3)
assert isinstance(page, Page)
expect([entry.content for entry in page.entries] == [b"once"], "the conversation has it once")
deliver = bob.wait_for(Deliver)
bob.send(DeliverAck(conversation=talk, seq=deliver.entry.seq))
cursor = alice.wait_for(Cursor)
expect(
    cursor.delivered_seq == 1, f"bob's device acknowledges number {cursor.delivered_seq}, and alice is told"
)
for line in (alice, bob):
    line.cut()
