"""The client without input or output: payloads and time in; payloads, events and a deadline out.

Nothing here knows a socket, a clock or a reactor. `session.ClientCore` is the door.
"""
