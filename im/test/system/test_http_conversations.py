"""What back ends do over HTTP, seen by a client that is connected by wire: a real node, real sockets."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from im.client import Client, ClientSettings, CursorMoved, Message, Status
from im.core import entries
from im.core.messages import Head
from im.test.faults.nodes import until
from im.test.system.imctl import EVERY_SCOPE, run, start_node

PATIENCE_SECONDS = 20
DIRECT = "d~alice~bob"


class WireTests(TestCase):
    uses_processes = True
    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.state = self.folder / "state"
        _, self.told = start_node(self, self.folder, self.state)
        self.key = json.loads(self.imctl("keys", "create", "shop", *EVERY_SCOPE, "--json"))["key"]
        self.messages: list[Message] = []
        self.cursors: list[CursorMoved] = []
        self.heads: list[Head] = []

    def imctl(self, *argv: str) -> str:
        """What a command writes."""
        ended = run(self.folder, *argv, IM_STATE_DIR=str(self.state))
        self.assertEqual((0, ""), (ended.status, ended.err), argv)
        return ended.out

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> "Deferred[Any]":
        """Ask over HTTP, in a thread."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        content = None if body is None else json.dumps(body).encode()
        url = self.told.http.rstrip("/") + path
        request = urllib.request.Request(url, content, headers, method=method)

        def ask() -> Any:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return json.load(answer)

        return deferToThread(ask)

    async def come(self, user: str) -> Client:
        """A client of a user, online."""
        token = (await self.call("POST", "/v1/tokens", {"user": user}))["token"]
        client = Client(ClientSettings(addresses=self.told.listen, token=token), reactor)
        client.on_message(self.messages.append)
        client.on_cursor(self.cursors.append)
        client.on_head(self.heads.append)
        self.addCleanup(client.stop)
        client.start()
        await until(reactor, lambda: client.status.status is Status.ONLINE, "a client that is online")
        return client

    async def arrived(self, kind: int, count: int = 1) -> Message:
        """The last message of a kind, when so many have come."""

        def found() -> list[Message]:
            return [each for each in self.messages if each.kind == kind]

        await until(reactor, lambda: len(found()) >= count, f"{count} of kind {kind} in {self.messages}")
        return found()[-1]

    async def test_a_client_sees_at_once_what_a_back_end_did(self) -> None:
        bob = await self.come("bob")
        await self.call("POST", "/v1/users/alice/friend-requests", {"to": "bob", "text": "hi"})
        self.assertEqual(b"requested", (await self.arrived(entries.RELATION)).content)
        self.assertEqual(1, (await bob.friend_requests()).unseen)
        await self.call("POST", "/v1/users/bob/friend-requests/alice/accept")
        self.assertEqual("你好", (await self.arrived(entries.TEXT)).text)
        await self.check_messages(bob)
        await self.check_group(bob)
        await self.check_places(bob)

    async def check_messages(self, bob: Client) -> None:
        """Sent, changed, and as the client's own history shows them."""
        body = {"conversation": DIRECT, "text": "see?", "reply_to": 3}
        sent = await self.call("POST", "/v1/messages?as=alice", body)
        arrived = await self.arrived(entries.RICH)
        self.assertEqual((sent["seq"], "see?"), (arrived.seq, arrived.text))
        path = f"/v1/conversations/{DIRECT}/messages/{sent['seq']}"
        await self.call("PATCH", f"{path}?as=alice", {"text": "look"})
        await self.arrived(entries.EDIT)
        await self.call("POST", f"{path}/reactions?as=alice", {"reaction": "👍"})
        await self.arrived(entries.REACTION)
        page = await bob.history(DIRECT)
        shown = await self.call("GET", f"/v1/conversations/{DIRECT}/messages?as=bob")
        self.assertEqual([each.seq for each in page.messages], [each["seq"] for each in shown["entries"]])
        (edited,) = [each for each in page.messages if each.seq == sent["seq"]]
        self.assertEqual("look", edited.text)
        await self.call("POST", f"{path}/recall?as=alice")
        await self.arrived(entries.RECALL)
        await self.call("POST", "/v1/messages", {"to": "bob", "text": "from the app"})
        self.assertEqual("i~bob", (await self.arrived(entries.TEXT, 2)).conversation)

    async def check_group(self, bob: Client) -> None:
        """Made, posted to and left; who was put out hears no more."""
        group = (await self.call("POST", "/v1/groups?as=alice", {"name": "Team", "members": ["bob"]}))[
            "conversation"
        ]
        await self.arrived(entries.GROUP_CREATED)
        await self.call("POST", "/v1/messages?as=alice", {"conversation": group, "text": "hello"})
        self.assertEqual(group, (await self.arrived(entries.TEXT, 3)).conversation)
        self.assertEqual("Team", (await bob.group(group)).name)
        await self.call("POST", f"/v1/groups/{group}/remove?as=alice", {"users": ["bob"]})
        await self.arrived(entries.MEMBERS_REMOVED)
        await self.call("POST", "/v1/messages?as=alice", {"conversation": group, "text": "secret"})
        await self.call("POST", "/v1/messages?as=alice", {"to": "bob", "text": "afterwards"})
        self.assertEqual("afterwards", (await self.arrived(entries.TEXT, 4)).text)

    async def check_places(self, bob: Client) -> None:
        """What the user does by an own token over HTTP comes to the connected device."""
        own = (await self.call("POST", "/v1/tokens", {"user": "bob"}))["token"]
        head = (await self.call("GET", "/v1/users/bob/contacts", key=own))["contacts"][0]
        self.assertEqual(DIRECT, head["conversation"])
        seq = head["head_seq"]
        await self.call("POST", f"/v1/conversations/{DIRECT}/read", {"seq": seq}, own)
        await until(
            reactor,
            lambda: any(each.user == "bob" and each.read_seq == seq for each in self.cursors),
            "the cursor",
        )
        await self.call("PATCH", f"/v1/users/bob/contacts/{DIRECT}", {"remark": "Al"}, own)
        await until(reactor, lambda: any(each.contact.remark == "Al" for each in self.heads), "the remark")
        unread = (await self.call("GET", "/v1/users/bob/contacts", key=own))["unread"]
        self.assertEqual(unread, await bob.unread())
