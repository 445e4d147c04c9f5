"""Online time over the admin port: JSON, pages, CSV, and what a wrong question gets."""

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import fail

from im.core.commands import Login
from im.core.ledger import CloseSession, OpenSession
from im.ports import UnavailableError
from im.test.http.test_admin import NOW, AdminCase

DAY = "2027-01-15"
HEAD = (
    "user,zone,start,device_class,online_seconds,online_error_seconds,"
    "foreground_seconds,foreground_error_seconds"
)


class OnlineTimeTests(AdminCase):
    def setUp(self) -> None:
        super().setUp()
        self.at_ms = int(NOW * 1000) - 7_200_000
        self.add("alice", 3_600)

    def add(self, user: str, seconds: int) -> None:
        opened = OpenSession(f"s-{user}", user, "a1", "phone", "n1", self.at_ms, True, 30_000)
        close = CloseSession(opened, self.at_ms + seconds * 1000, "logout", 31_000)
        self.successResultOf(self.store.write([Login(user, "a1", "phone", 1), opened, close]))

    def csv(self, query: str = "", scopes: tuple[str, ...] = ("admin",)) -> tuple[int, str]:
        token = self.tokens.mint("root", 60, scopes)
        socket = self.send("GET", f"/v1/online-time.csv{query}", b"", token)
        head, _, body = socket.take().partition(b"\r\n\r\n")
        socket.end()
        if b"chunked" in head.lower():
            body = b"".join(_pieces(body))
        return int(head.split()[1]), body.decode()

    def test_a_user_s_days_are_told_in_seconds_with_what_they_may_be_off(self) -> None:
        figure = {
            "start": DAY,
            "device_class": "all",
            "online_seconds": 3600.0,
            "online_error_seconds": 64.0,
            "foreground_seconds": 3600.0,
            "foreground_error_seconds": 64.0,
        }
        expected = {
            "user": "alice",
            "zone": "UTC",
            "online_time": [figure, figure | {"device_class": "phone"}],
        }
        self.assertEqual(expected, self.ask("/v1/users/alice/online-time"))
        self.assertEqual(expected, self.ask(f"/v1/users/alice/online-time?from={DAY}&to={DAY}&by=day"))

    def test_hours_of_another_zone_sum_to_the_day(self) -> None:
        asked = f"from={DAY}&to={DAY}&by=hour&zone=Asia/Kathmandu"
        told = self.ask(f"/v1/users/alice/online-time?{asked}")
        of_all = [each for each in told["online_time"] if each["device_class"] == "all"]
        self.assertEqual(3600.0, sum(each["online_seconds"] for each in of_all))
        self.assertIn("2027-01-15T11:00:00+05:45", [each["start"] for each in of_all])

    def test_one_who_never_came_was_not_online(self) -> None:
        self.assertEqual([], self.ask("/v1/users/nobody/online-time")["online_time"])

    def test_an_id_may_need_quoting(self) -> None:
        self.add("ä/b?c", 60)
        told = self.ask("/v1/users/%C3%A4%2Fb%3Fc/online-time")
        self.assertEqual(("ä/b?c", 60.0), (told["user"], told["online_time"][0]["online_seconds"]))

    def test_a_wrong_question_names_its_field(self) -> None:
        for query, field in (
            ("zone=Mars/Olympus", "zone"),
            ("zone=..%2F..%2Fetc%2Fpasswd", "zone"),
            ("by=week", "by"),
            ("from=2027-01-16&to=2027-01-15", "from"),
            ("from=yesterday", "from"),
            ("to=2027-13-01", "to"),
            ("from=2025-01-01&to=2027-01-15", "to"),
            ("since=2027-01-15", "since"),
            ("from=%FF%FE", "from"),
        ):
            self.assert_field(f"/v1/users/alice/online-time?{query}", field)
            self.assert_field(f"/v1/online-time?{query}", field)
            self.assertEqual(400, self.csv(f"?{query}")[0])
        self.assert_field("/v1/users/a%20b/online-time", "user")

    def test_everyone_comes_in_pages(self) -> None:
        users = sorted(f"u{number:03}" for number in range(100))
        for user in users:
            self.add(user, 60)
        found, after = [], ""
        while True:
            page = self.ask(f"/v1/online-time?after={after}")
            found += [each["user"] for each in page["users"]]
            after = page["next"]
            if not after:
                break
        self.assertEqual(["alice", *users], found)
        status, text = self.csv()
        lines = text.splitlines()
        self.assertEqual((200, HEAD, 202), (status, lines[0], len(lines[1:])))
        self.assertEqual(f"alice,UTC,{DAY},all,3600.0,64.0,3600.0,64.0", lines[1])

    def test_without_anybody_the_csv_is_its_head(self) -> None:
        self.assertEqual((200, HEAD + "\n"), self.csv("?from=2026-11-01&to=2026-11-02"))

    def test_a_stream_that_breaks_off_is_no_whole_one(self) -> None:
        for number in range(100):
            self.add(f"u{number:03}", 60)
        read = self.store.read
        asked: list[object] = []

        def once(query: Any) -> Any:
            asked.append(query)
            return read(query) if len(asked) == 1 else fail(UnavailableError("full"))

        self.patch(self.store, "read", once)
        token = self.tokens.mint("root", 60, ("admin",))
        socket = self.send("GET", "/v1/online-time.csv", b"", token)
        self.assertFalse(socket.take().endswith(b"0\r\n\r\n"))
        self.assertTrue(socket.disconnecting)
        self.assertEqual(2, len(asked))

    def test_it_is_the_operators_only(self) -> None:
        for path in ("/v1/users/alice/online-time", "/v1/online-time", "/v1/online-time.csv"):
            for scopes, expected in ((("user",), 403), ((), 401)):
                self.assertEqual(expected, self.call("GET", path, scopes=scopes)[0])

    def test_a_user_by_itself_is_nothing(self) -> None:
        for path in ("/v1/users/alice", "/v1/users/alice/", "/v1/users/alice/other"):
            self.assertEqual(404, self.get(path)[0])


def _pieces(body: bytes) -> Iterable[bytes]:
    while body:
        size, _, body = body.partition(b"\r\n")
        yield body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
