"""Connection 1: a long connection, kept alive by heartbeats."""

from here import Line, expect, somebody

from im.proto.session_pb2 import Heartbeat, HeartbeatAck

line = Line(somebody("alice"))
print(f"logged in as {line.online.user}, in session {line.online.session} of node {line.online.node}")
print(f"the node wants to hear something every {line.online.heartbeat_ms} ms")
for number in range(1, 4):
    answer = line.ask(Heartbeat(), number)
    expect(isinstance(answer, HeartbeatAck), f"heartbeat {number} is answered")
line.cut()
