"""Connection 2: every frame is an envelope; its type says who deals with the body."""

from here import Line, expect, somebody

from im.proto.base_pb2 import BaseMessage, Error
from im.proto.session_pb2 import GetProfile, Profile
from im.wire import codec

line = Line(somebody("alice"))
payload = codec.pack(GetProfile(), 7)
print("an envelope:", payload.hex(" "))
envelope = BaseMessage.FromString(payload)
print(f"its type is {envelope.type}, its number {envelope.id}, its body has {len(envelope.body)} bytes")
answer = line.ask(GetProfile(), 7)
expect(isinstance(answer, Profile), "type and number lead to a handler and back: a profile")
line.write(BaseMessage(type=9_999, id=8).SerializeToString())
refusal = line.wait_for(Error)
expect(refusal.name == "unknown_type", f"a type that nobody owns: {refusal.name}")
line.write(BaseMessage(type=envelope.type, id=9, body=b"\xff").SerializeToString())
refusal = line.wait_for(Error)
expect(refusal.name == "undecodable", f"a body that is none: {refusal.name}")
expect(isinstance(line.ask(GetProfile(), 10), Profile), "and the connection lives on")
line.cut()
