"""Every command of `docs/http.md`, and pushes by `imctl`, against a real node."""

import json

from im.test.docs_commands import commands
from im.test.system.imctl import ImctlCase, Live
from im.test.system.pasting import paste
from im.test.system.processes import ROOT, wait_for

PAGE = ROOT / "docs" / "http.md"


class HttpPageTests(ImctlCase):
    def setUp(self) -> None:
        super().setUp()
        self.key = self.make_key()
        self.api = self.told.http.rstrip("/")

    def test_every_command_does_what_it_says(self) -> None:
        push = webhook = group = seq = ""
        for command in commands(PAGE):
            variables = {"KEY": self.key, "API": self.api, "PUSH": push, "WEBHOOK": webhook}
            variables |= {"GROUP": group, "SEQ": seq}
            answer = paste(command.text, variables).record
            if "secret" in answer:
                webhook = answer["id"]
            elif "client_msg_id" in answer:
                seq = str(answer["seq"])
            elif "asked" in answer:
                group = answer["conversation"]
            else:
                push = answer.get("id", "") or push

    def test_every_route_has_a_command(self) -> None:
        called = " ".join(command.text for command in commands(PAGE))
        shown = paste(f"curl -fsS -H 'Authorization: Bearer {self.key}' {self.api}/v1/openapi.json")
        for path in json.loads(shown.out)["paths"]:
            start = path.partition("{")[0]
            self.assertIn(start, called)


class PushTests(ImctlCase):
    def test_a_push_arrives_and_its_arrival_is_told(self) -> None:
        Live(self, "tail", "--as", "alice")
        wait_for(lambda: bool(self.ok("sessions", "--user", "alice").out), "the session")
        pushed = self.ok("push", "--wait", "delivered", "--to", "alice", "nobody", "paid", "--json")
        record = pushed.record
        self.assertEqual((1, ["nobody"]), (record["stored"], record["unknown"]))
        self.assertEqual("delivered", record["users"][0]["devices"][0]["state"])
        signal = self.ok("push", "--signal", "--everyone", "{}")
        self.assertIn("sent to 1 who are online", signal.out)

    def test_keys_are_made_listed_and_revoked(self) -> None:
        made = self.ok("keys", "create", "shop", "--json").record
        self.assertIn(f"{made['id']}  good  shop  push", self.ok("keys", "list").out)
        self.assertIn("revoked", self.ok("keys", "revoke", made["id"]).out)
        self.assert_fails(self.imctl("keys", "revoke", "none", "--json"), 1, "not_found")
        self.assert_fails(self.imctl("push", "--to", "alice", "--json"), 2, "usage")
