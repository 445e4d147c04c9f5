"""Friends, groups, contacts and changed messages by `imctl`, against a real node."""

from typing import Any

from im.test.system.imctl import ImctlCase, Live, Terminal


class FriendTests(ImctlCase):
    def test_a_request_is_seen_and_accepted(self) -> None:
        asked = self.ok("friends", "request", "bob", "--as", "alice", "--text", "it is me", "--json").record
        self.assertEqual((asked["relation"], asked["request"]["state"]), ("", "pending"))
        (request,) = self.ok("friends", "requests", "--as", "bob", "--json").records
        self.assertEqual((request["requester"], request["text"]), ("alice", "it is me"))
        (sent,) = self.ok("friends", "requests", "sent", "--as", "alice", "--json").records
        self.assertEqual(sent, request)
        news = self.imctl("friends", "requests", "--as", "bob", "--seen")
        self.assertIn("pending from alice: it is me", news.out)
        self.assertEqual(news.err, "imctl: 1 of those received are new\n")
        self.assertEqual(self.imctl("friends", "requests", "--as", "bob").err, "")
        accepted = self.ok("friends", "accept", "alice", "--as", "bob", "--json").record
        self.assertEqual((accepted["relation"], accepted["request"]["state"]), ("friend", "accepted"))
        self.ok("friends", "remark", "bob", "Bobby", "--as", "alice")
        (friend,) = self.ok("friends", "list", "--as", "alice", "--json").records
        self.assertEqual((friend["user"], friend["remark"]), ("bob", "Bobby"))
        self.assertEqual(self.ok("friends", "list", "--as", "alice").out, "Bobby (bob)\n")

    def test_requests_are_shown_page_by_page(self) -> None:
        for number in range(3):
            self.ok("friends", "request", "hub", "--as", f"u{number}")
        (newest,) = self.ok("friends", "requests", "--as", "hub", "--limit", "1", "--json").records
        self.assertEqual(newest["requester"], "u2")

    def test_who_is_blocked_is_told_so(self) -> None:
        self.assertIn("blocked", self.ok("friends", "block", "eve", "--as", "dave").out)
        refused = self.imctl("send", "--as", "eve", "--to", "dave", "hi", "--json")
        self.assert_fails(refused, 1, "blocked")
        self.assertNotIn("blocked", self.ok("friends", "unblock", "eve", "--as", "dave").out)
        self.send("eve", "dave", "hi")

    def test_what_cannot_be_done_is_one_sentence(self) -> None:
        refused = self.imctl("friends", "accept", "nobody", "--as", "alice", "--json")
        self.assert_fails(refused, 1, "not_found")
        self.assert_fails(
            self.imctl("friends", "show", "a~b", "--as", "alice", "--json"), 1, "invalid_argument"
        )
        self.assert_fails(self.imctl("friends", "--json"), 2, "usage")
        no_text = self.imctl("friends", "request", "bob", "--as", "alice", "--text", "\udcff", "--json")
        self.assertIn("UTF-8", self.assert_fails(no_text, 2, "usage"))


class GroupTests(ImctlCase):
    def create(self, *options: str) -> str:
        made = self.ok("groups", "create", "Lunch", "bob", "carol", "--as", "alice", "--json", *options)
        return str(made.record["conversation"])

    def change(self, action: str, group: str, *options: str, by: str = "alice") -> dict[str, Any]:
        return self.ok("groups", action, group, *options, "--as", by, "--json").record

    def roles(self, group: str) -> dict[str, str]:
        members = self.ok("groups", "members", group, "--as", "alice", "--json").records
        return {each["user"]: each["role"] for each in members}

    def test_who_asks_is_let_in_and_who_leaves_is_gone(self) -> None:
        group = self.create()
        self.assertTrue(self.change("join", group, "--text", "me too", by="dave")["asked"])
        (asking,) = self.ok("groups", "asking", group, "--as", "alice", "--json").records
        self.assertEqual((asking["user"], asking["text"]), ("dave", "me too"))
        self.assertGreater(self.change("approve", group, "dave")["seq"], 0)
        self.change("leave", group, by="carol")
        self.change("remove", group, "dave")
        self.change("invite", group, "erin", "fay")
        self.change("join", group, by="gina")
        self.change("decline", group, "gina")
        self.assertEqual(self.ok("groups", "asking", group, "--as", "alice", "--json").records, [])
        self.assertEqual(set(self.roles(group)), {"alice", "bob", "erin", "fay"})

    def test_a_group_is_described_and_given_away(self) -> None:
        group = self.create("--joining", "open", "--avatar", "https://example.com/a.png")
        self.change("role", group, "bob", "admin")
        self.change("set", group, "--name", "Dinner", "--posting", "admins", "--history", "everything")
        self.change("transfer", group, "carol")
        self.assertEqual(self.roles(group), {"alice": "admin", "bob": "admin", "carol": "owner"})
        told = self.ok("groups", "show", group, "--as", "bob", "--json").record
        self.assertEqual((told["name"], told["owner"], told["role"]), ("Dinner", "carol", "admin"))
        settings = told["settings"]
        chosen = (settings["joining"], settings["history"], settings["is_muted"])
        self.assertEqual(chosen, ("open", "everything", True))
        self.assertIn("Dinner", self.ok("groups", "show", group, "--as", "bob").out)
        self.change("dissolve", group, by="carol")
        (listed,) = self.ok("groups", "list", "--as", "bob", "--json").records
        self.assertTrue(listed["is_dissolved"])

    def test_who_is_silenced_posts_nothing(self) -> None:
        group = self.create()
        self.change("silence", group, "bob", "60")
        self.assertIn("silenced until", self.ok("groups", "members", group, "--as", "alice").out)
        said = self.imctl("send", "--as", "bob", "--conversation", group, "hi", "--json")
        self.assert_fails(said, 1, "permission_denied")
        self.change("silence", group, "bob", "0")
        self.ok("send", "--as", "bob", "--conversation", group, "hi")

    def test_to_a_stranger_a_group_is_not_there(self) -> None:
        group = self.create()
        stranger = self.imctl("groups", "show", group, "--as", "mallory", "--json")
        self.assert_fails(stranger, 1, "not_found")
        self.assert_fails(self.imctl("groups", "set", group, "--as", "alice", "--json"), 2, "usage")
        forever = self.imctl("groups", "silence", group, "bob", "-1", "--as", "alice", "--json")
        self.assert_fails(forever, 2, "usage")


class ContactTests(ImctlCase):
    def test_contacts_show_unread_mentions_and_the_last_word(self) -> None:
        made = self.ok("groups", "create", "Lunch", "bob", "--as", "alice", "--json").record
        group = str(made["conversation"])
        self.ok("send", "--as", "alice", "--conversation", group, "--mention", "bob", "soup?")
        self.send("carol", "bob", "hi")
        latest, first, total = self.ok("contacts", "--as", "bob", "--json").records
        self.assertEqual((latest["name"], latest["preview"], latest["unread"]), ("carol", "hi", 1))
        self.assertEqual((first["name"], first["mentions"], first["unread"]), ("Lunch", 1, 1))
        self.assertEqual(first["preview"], "alice: soup? (@bob)")
        self.assertEqual(total, {"unread": 2, "contacts": 2})
        shown = self.ok("contacts", "--as", "bob", "--limit", "1").out.splitlines()
        self.assertEqual(len(shown), 2)
        self.assertEqual(shown[-1].split(), ["2", "unread"])

    def test_what_one_keeps_of_a_contact_is_changed(self) -> None:
        self.send("alice", "bob", "hi")
        self.send("carol", "bob", "hi")
        pinned = self.ok("contacts", "pin", "--as", "bob", "--with", "alice", "--json").record
        self.assertEqual((pinned["conversation"], pinned["pinned"]), ("d~alice~bob", True))
        self.assertEqual(self.ok("contacts", "mute", "--as", "bob", "--with", "alice").out.count("muted"), 1)
        first, _, total = self.ok("contacts", "--as", "bob", "--json").records
        self.assertEqual((first["user"], first["muted"], total["unread"]), ("alice", True, 1))
        self.ok("contacts", "unpin", "--as", "bob", "--with", "alice")
        self.ok("contacts", "hide", "--as", "bob", "--with", "carol")
        listed = self.ok("contacts", "--as", "bob", "--json").records
        self.assertEqual([each.get("user") for each in listed], ["alice", None])
        self.assertEqual(len(self.ok("contacts", "--as", "bob", "--hidden", "--json").records), 3)
        self.assert_fails(self.imctl("contacts", "pin", "--as", "bob", "--json"), 2, "usage")
        self.assert_fails(self.imctl("contacts", "--as", "bob", "--with", "alice", "--json"), 2, "usage")


class ChangeTests(ImctlCase):
    def test_messages_are_deleted_for_oneself_and_their_readers_shown(self) -> None:
        for text in ("one", "two", "three"):
            self.send("alice", "bob", text)
        here = ("--conversation", "d~alice~bob")
        read = self.ok("readers", "--as", "alice", *here, "2", "--json").record
        self.assertEqual((read["read"], read["members"], read["users"]), (0, 1, []))
        deleted = self.ok("delete", "--as", "bob", *here, "2", "2", "--json").record
        self.assertEqual(deleted, {"conversation": "d~alice~bob", "visible_from": 1, "unread": 2})
        self.assertEqual(
            self.ok("clear", "--as", "bob", *here, "1").out, "d~alice~bob: seen from 2 on, 1 unread\n"
        )
        self.assert_fails(self.imctl("readers", "--as", "bob", *here, "1", "--json"), 1, "not_found")
        told = self.ok("history", "--as", "alice", *here, "--json").records
        self.assertEqual([each["text"] for each in told], ["one", "two", "three"])

    def test_history_shows_messages_as_they_are_now(self) -> None:
        for text in ("one", "two", "three"):
            self.send("alice", "bob", text)
        here = ("--conversation", "d~alice~bob")
        self.ok("edit", "--as", "alice", "--with", "bob", "1", "uno")
        changed = self.ok("react", "--as", "bob", "--with", "alice", "1", "👍", "--json").record
        self.assertEqual(changed, {"conversation": "d~alice~bob", "seq": 5})
        self.ok("react", "--as", "bob", *here, "3", "🎉")
        self.ok("react", "--as", "bob", *here, "3", "🎉", "--remove")
        self.ok("recall", "--as", "alice", *here, "2")
        self.ok("send", "--as", "bob", "--to", "alice", "--reply-to", "3", "yes")
        lines = self.ok("history", "--as", "bob", "--with", "alice").out.splitlines()
        said = [line.split(": ", 1)[1] for line in lines]
        self.assertEqual(said[:3], ["uno (edited) [👍]", "(recalled)", "three"])
        self.assertEqual(said[3].split("  ")[0], "(to 3) yes")
        records = self.ok("history", "--as", "bob", *here, "--json").records
        self.assertEqual([each["kind"] for each in records], [1, 9, 1, 121, 122, 122, 122, 120, 8])
        self.assertEqual(records[0]["reactions"], [{"reaction": "👍", "users": 1, "own": True}])
        self.assertEqual((records[8]["text"], records[8]["reply_to"]), ("yes", 3))

    def test_what_is_not_ones_own_is_not_changed(self) -> None:
        self.send("alice", "bob", "one")
        refused = self.imctl("edit", "--as", "bob", "--with", "alice", "1", "mine", "--json")
        self.assert_fails(refused, 1, "permission_denied")
        self.assert_fails(
            self.imctl("recall", "--as", "bob", "--with", "alice", "9", "--json"), 1, "not_found"
        )


class ChatTests(ImctlCase):
    def test_a_chat_shows_who_asks_and_opens_one_conversation_after_the_other(self) -> None:
        made = self.ok("groups", "create", "Lunch", "bob", "--as", "alice", "--json").record
        self.ok("friends", "request", "bob", "--as", "carol", "--text", "from work")
        self.send("alice", "bob", "hi bob")
        chat = Live(self, "chat", "--as", "bob")
        chat.wait_for("1  ", "alice", "Lunch", "unread")
        chat.say("/requests")
        chat.wait_for("pending from carol: from work")
        chat.say("/accept carol")
        chat.wait_for("carol: a friend")
        for line in ("/open alice", "hi alice", "/open Lunch", "soup?"):
            chat.say(line)
        chat.wait_for("-- bob with alice", "alice: hi bob", "bob: hi alice", "bob: soup?")
        self.ok("friends", "request", "bob", "--as", "dave")
        chat.wait_for("-- dave: (requested)")
        self.assertEqual(chat.leave(), 0)
        (last,) = self.ok(
            *("history", "--as", "alice", "--conversation", made["conversation"], "--limit", "1", "--json")
        ).records
        self.assertEqual((last["sender"], last["text"]), ("bob", "soup?"))
        (direct, *_) = self.ok("history", "--as", "alice", "--with", "bob", "--limit", "1", "--json").records
        self.assertEqual(direct["text"], "hi alice")

    def test_a_terminal_lists_contacts_and_opens_one(self) -> None:
        self.send("gina", "frank", "are you there?")
        terminal = Terminal(self, "chat", "--as", "frank")
        terminal.wait_for("unread")
        terminal.type("/open gina\r")
        terminal.wait_for("gina: are you there?")
        terminal.type("here I am\r")
        terminal.wait_for("frank: here I am  ✓")
        terminal.type("\x04")
        self.assertEqual(terminal.wait(), 0)
        self.assertEqual(self.ok("contacts", "--as", "frank", "--json").records[0]["unread"], 0)
