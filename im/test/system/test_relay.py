"""`imctl relay` against a real node."""

import signal

from sqlalchemy import create_engine, insert

from im.outbox import create_tables, push
from im.outbox.tables import waiting
from im.test.system.imctl import Ended, ImctlCase
from im.test.system.processes import BIN, Process, wait_for


class RelayTests(ImctlCase):
    def setUp(self) -> None:
        super().setUp()
        self.database = f"sqlite:///{self.folder / 'shop.sqlite'}"
        self.engine = create_engine(self.database)
        self.addCleanup(self.engine.dispose)
        create_tables(self.engine)
        self.url = self.told.http
        self.key_file = self.folder / "shop.key"
        self.key_file.write_text(self.ok("keys", "create", "shop", "--json").record["key"])
        self.send("alice", "bob", "hello")  # now they are known

    def relay(self, *options: str) -> Ended:
        return self.imctl("relay", "--database", self.database, *options)

    def delivery(self) -> tuple[str, ...]:
        return ("--database", self.database, "--url", self.url, "--key-file", str(self.key_file), "--json")

    def push(self, user: str = "alice") -> str:
        with self.engine.begin() as connection:
            return push(connection, user, {"order": 7})

    def push_what_the_node_refuses(self) -> str:
        """As a program would that writes into the table by itself."""
        row = {"push_key": "mine", "users": b'["alice"]', "users_bytes": 9, "request": b'{"type":30}'}
        with self.engine.begin() as connection:
            connection.execute(insert(waiting), row | {"created_ms": 1, "expires_ms": 0})
        return "mine"

    def test_once_delivers_and_tells_what_is_unusual(self) -> None:
        self.push()
        unknown, refused = self.push("carol"), self.push_what_the_node_refuses()
        ended = self.imctl("relay", *self.delivery(), "--once")
        self.assertEqual(ended.status, 0, ended.err)
        self.assertEqual(
            {(each["relay"], each["key"]) for each in ended.records}, {("dead", refused), ("dead", unknown)}
        )
        self.send("carol", "bob", "hello")  # now she is known, too
        self.relay("retry", "--push", unknown)
        self.assertEqual(self.imctl("relay", *self.delivery(), "--once").status, 0)
        for user in ("alice", "carol"):
            inbox = self.ok("history", "--as", user, "--conversation", f"i~{user}", "--json")
            self.assertEqual(len(inbox.records), 1)

    def test_dead_letters_are_looked_after(self) -> None:
        refused = self.push_what_the_node_refuses()
        for more in ("list", "status"):
            self.assertEqual(self.relay(more, "--json").status, 0)
        self.assertEqual(self.imctl("relay", *self.delivery(), "--once").status, 0)
        letter = self.relay("list", "--json").record
        self.assertEqual((letter["key"], letter["users"], letter["status"]), (refused, ["alice"], 400))
        self.assertIn("alice", self.relay("list").out)
        self.assertEqual(self.relay("retry", "--push", "mine", "--json").record, {"retried": 1})
        status = self.relay("status", "--json").record
        self.assertEqual((status["waiting"], status["dead"], status["oldest_ms"]), (1, 0, 1))
        self.assertIn("1 wait, the oldest since", self.relay("status").out)
        self.assertEqual(self.imctl("relay", *self.delivery(), "--once").status, 0)
        self.assertEqual(self.relay("drop", "--all", "--json").record, {"dropped": 1})
        self.assertEqual(self.relay("status").out, "0 wait; 0 dead letters\n")

    def test_a_relay_says_when_it_is_ready_and_ends_in_order(self) -> None:
        relay = Process([BIN / "imctl", "relay", *self.delivery()], self.folder)
        self.addCleanup(relay.end)
        wait_for(lambda: "ready" in relay.out, "a relay")
        self.push()
        wait_for(lambda: self.relay("status").out.startswith("0 wait"), "the delivery")
        relay.send(signal.SIGTERM)
        self.assertEqual((relay.wait(), relay.err), (0, ""))

    def test_a_key_that_the_node_does_not_know_is_told_of(self) -> None:
        self.key_file.write_text("imk_wrong")
        self.push()
        ended = self.imctl("relay", *self.delivery(), "--once")
        self.assertEqual((ended.status, ended.record["relay"]), (3, "trouble"))
        self.assertIn("HTTP 401", ended.record["text"])
        self.assertIn("1 still wait", ended.err)
