import json
from typing import Any, cast

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred, fail
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.adapters.sql.sqlite import MemoryDatabase, SqliteStore, StorePolicy, inline_runners
from im.adapters.token.authenticator import TokenAuthenticator
from im.adapters.token.keys import KeyRing
from im.adapters.token.signed import SignedTokens
from im.business.access import Access
from im.business.online_time import OnlineTimeDesk
from im.core.commands import LoggedIn, Login, Result, Write
from im.core.errors import Code, Refused
from im.core.histogram import Histogram
from im.core.limits import Limits
from im.http.admin import AdminParts, admin_site
from im.http.metrics import Kind, Metric, MetricsPage
from im.ports import Eviction, ISessionRegistry, NodeBatch, Session, UnavailableError
from im.test.gateway.transports import FakeSocket

NOW = 1_800_000_000.0


@implementer(ISessionRegistry)
class DeafRegistry(MemoryRegistry):
    """A registry whose list of sessions comes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Deferred[list[Session]] | None = None
        self.was_cancelled = False

    def sessions(self, user: str | None) -> Deferred[list[Session]]:
        if self.answer is not None:
            return self.answer
        return super().sessions(user)


def a_session(number: int, user: str = "alice", node: str = "n1") -> Session:
    return Session(f"s{number}", user, f"device{number}", "phone", node, "g", 1)


class AdminCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.problems = {"store": "", "registry": ""}
        self.registry = DeafRegistry()
        self.bus = MemoryNodeBus()
        self.tokens = SignedTokens(KeyRing("k", {"k": b"k" * 32}), lambda: NOW, 60)
        self.database = MemoryDatabase()
        self.addCleanup(self.database.close)
        policy = StorePolicy(Limits(), users_open=True)
        self.store = SqliteStore(self.database, inline_runners(), lambda: int(NOW * 1000), policy, self.fail)
        self.access = Access(self.store, self.registry, self.bus, lambda: int(NOW * 1000))
        self.logins = 0
        self.values: dict[str, float] = {}
        self.seconds = Histogram((0.1, 1.0))
        shown = [
            Metric("im_logins_total", Kind.COUNTER, "Logins.", lambda: self.logins),
            Metric("im_sessions", Kind.GAUGE, "Sessions.", lambda: self.values, "device_class"),
            Metric("im_refusals_total", Kind.COUNTER, "Refusals.", lambda: self.values, "code"),
            Metric("im_commit_seconds", Kind.HISTOGRAM, "Commits.", lambda: self.seconds),
        ]
        checks = {part: lambda part=part: self.problems[part] for part in self.problems}
        self.parts = AdminParts(
            shown,
            checks,
            self.registry,
            self.access,
            TokenAuthenticator(self.tokens),
            OnlineTimeDesk(self.store),
            self.store,
        )
        self.serve()

    def serve(self, **further: Any) -> None:
        """Serve these parts, too."""
        self.site = admin_site(self.parts._replace(**further), self.clock)

    def send(self, method: str, path: str, body: bytes = b"", token: str = "") -> FakeSocket:
        socket = FakeSocket()
        socket.protocol = cast(Protocol, self.site.protocol_for(socket.getPeer()))
        socket.protocol.makeConnection(socket)
        head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
        if token:
            head += f"Authorization: Bearer {token}\r\n"
        socket.protocol.dataReceived(head.encode() + b"\r\n" + body)
        return socket

    def response(self, socket: FakeSocket) -> tuple[int, bytes]:
        head, _, body = socket.take().partition(b"\r\n\r\n")
        socket.end()
        self.head = head.decode()
        if "chunked" in self.head.lower():
            body = body.partition(b"\r\n")[2].rpartition(b"\r\n0\r\n")[0]
        return int(self.head.split()[1]), body

    def get(self, path: str) -> tuple[int, bytes]:
        return self.response(self.send("GET", path))

    def call(
        self, method: str, path: str, body: object = None, scopes: tuple[str, ...] = ("admin",)
    ) -> tuple[int, dict[str, object]]:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        token = self.tokens.mint("root", 60, scopes) if scopes else ""
        status, answer = self.response(self.send(method, path, content, token))
        return status, json.loads(answer)

    def ask(self, path: str, method: str = "GET", body: object = None) -> dict[str, Any]:
        status, answer = self.call(method, path, body)
        self.assertEqual(200, status, answer)
        return answer

    def assert_field(self, path: str, field: str, status: int = 400) -> None:
        found, answer = self.call("GET", path)
        error = cast(dict[str, str], answer["error"])
        self.assertEqual((status, field), (found, error["field"]), path)

    def refusal(self, answer: tuple[int, dict[str, object]]) -> tuple[int, str]:
        status, body = answer
        return status, cast(dict[str, str], body["error"])["code"]

    def register(self, *sessions: Session) -> None:
        for session in sessions:
            self.successResultOf(self.registry.register(session))


class AdminTests(AdminCase):
    def test_a_process_that_answers_is_healthy(self) -> None:
        self.problems["store"] = "the disk is full"
        self.assertEqual((200, b"ok\n"), self.get("/healthz"))

    def test_a_node_is_ready_when_every_part_is(self) -> None:
        status, body = self.get("/readyz")
        self.assertEqual((200, {"ready": True, "problems": {}}), (status, json.loads(body)))

    def test_each_part_that_is_not_ready_is_named(self) -> None:
        self.problems["store"] = "the disk is full"
        status, body = self.get("/readyz")
        expected = {"ready": False, "problems": {"store": "the disk is full"}}
        self.assertEqual((503, expected), (status, json.loads(body)))
        self.problems["store"] = ""
        self.assertEqual(200, self.get("/readyz")[0])

    def metrics(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        status, body = self.get("/metrics")
        self.assertEqual(200, status)
        self.assertIn("text/plain", self.head)
        families = text_string_to_metric_families(body.decode())
        samples = [sample for family in families for sample in family.samples]
        return {(each.name, tuple(sorted(each.labels.items()))): each.value for each in samples}

    def test_metrics_are_read_when_somebody_asks(self) -> None:
        self.metrics()
        self.logins = 7
        self.values = {"a": 1, "b": 2}
        self.seconds.observe(0.5)
        shown = self.metrics()
        self.assertEqual(7, shown["im_logins_total", ()])
        self.assertEqual(2, shown["im_sessions", (("device_class", "b"),)])
        self.assertEqual(1, shown["im_refusals_total", (("code", "a"),)])
        self.assertEqual(0, shown["im_commit_seconds_bucket", (("le", "0.1"),)])
        self.assertEqual(1, shown["im_commit_seconds_bucket", (("le", "1"),)])
        self.assertEqual(1, shown["im_commit_seconds_bucket", (("le", "+Inf"),)])
        self.assertEqual(1, shown["im_commit_seconds_count", ()])
        self.assertEqual(0.5, shown["im_commit_seconds_sum", ()])

    def test_every_process_shows_its_memory_time_and_files(self) -> None:
        names = {name for name, _ in self.metrics()}
        expected = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
        self.assertLessEqual(expected, names)

    def test_one_name_belongs_to_one_metric(self) -> None:
        now = Metric("im_logins", Kind.GAUGE, "Logins now.", lambda: 0)
        ever = Metric("im_logins_total", Kind.COUNTER, "Logins.", lambda: 0)
        for shown in ([now, now], [now, ever]):
            error = self.assertRaises(ValueError, MetricsPage, shown)
            self.assertIn("im_logins", str(error))

    def test_a_path_that_is_not_there_is_a_json_error(self) -> None:
        for path in ("/nothing", "/v1/nothing", "/v1/sessions/nothing", "/v1/users/nothing"):
            status, body = self.get(path)
            self.assertEqual((404, "not_found"), (status, json.loads(body)["error"]["code"]))

    def test_sessions_need_a_token(self) -> None:
        self.assertEqual((401, "unauthenticated"), self.refusal(self.call("GET", "/v1/sessions", scopes=())))
        self.assertIn("Bearer", self.head)

    def test_a_users_token_is_not_enough(self) -> None:
        answer = self.call("GET", "/v1/sessions", scopes=("user",))
        self.assertEqual((403, "permission_denied"), self.refusal(answer))
        for path in ("sessions/evict", "devices/logout", "users/disable", "users/enable"):
            body = {"user": "alice", "device": "device1"}
            answer = self.call("POST", f"/v1/{path}", body, scopes=("user",))
            self.assertEqual((403, "permission_denied"), self.refusal(answer))
        self.assertEqual([], self.database.connect_reader().execute("SELECT * FROM users").fetchall())

    def test_a_bad_token_and_an_old_one_are_refused(self) -> None:
        status, body = self.response(self.send("GET", "/v1/sessions", token="rubbish"))
        self.assertEqual((401, "unauthenticated"), (status, json.loads(body)["error"]["code"]))
        old = self.tokens.mint("root", -1_000, ("admin",))
        status, body = self.response(self.send("GET", "/v1/sessions", token=old))
        self.assertEqual((401, "expired"), (status, json.loads(body)["error"]["code"]))

    def test_the_sessions_of_one_user_or_of_all_are_listed(self) -> None:
        self.register(a_session(1), a_session(2), a_session(3, "bob"))
        status, body = self.call("GET", "/v1/sessions?user=alice")
        sessions = cast(list[dict[str, str]], body["sessions"])
        self.assertEqual((200, ["s1", "s2"]), (status, [each["session"] for each in sessions]))
        self.assertEqual(
            {"session": "s1", "user": "alice", "device": "device1", "device_class": "phone", "node": "n1"},
            sessions[0],
        )
        _, body = self.call("GET", "/v1/sessions")
        self.assertEqual(3, len(cast(list[object], body["sessions"])))
        self.assertFalse(body["more"])

    def test_a_list_is_bounded_and_says_that_there_is_more(self) -> None:
        self.register(*(a_session(number) for number in range(5)))
        _, body = self.call("GET", "/v1/sessions?limit=2")
        self.assertEqual((2, True), (len(cast(list[object], body["sessions"])), body["more"]))
        for limit in ("0", "1001", "-1", "x", "1" * 5_000):
            answer = self.call("GET", f"/v1/sessions?limit={limit}")
            self.assertEqual((400, "invalid_argument"), self.refusal(answer))

    def evict(
        self, body: object, path: str = "/v1/sessions/evict"
    ) -> tuple[int, list[tuple[str, NodeBatch]]]:
        told: list[tuple[str, NodeBatch]] = []
        for node in ("n1", "n2"):
            self.bus.attach(node, lambda batch, node=node: told.append((node, batch)))  # type: ignore[misc]
        status, answer = self.call("POST", path, body)
        self.assertEqual(200, status, answer)
        return cast(int, answer["evicted"]), told

    def test_each_node_of_an_evicted_user_is_told_once(self) -> None:
        self.register(a_session(1), a_session(2), a_session(3, node="n2"), a_session(4, "bob"))
        evicted, told = self.evict({"user": "alice", "text": "bye"})
        self.assertEqual(3, evicted)
        self.assertEqual(
            [
                ("n1", [Eviction("s1", Code.KICKED, "bye"), Eviction("s2", Code.KICKED, "bye")]),
                ("n2", [Eviction("s3", Code.KICKED, "bye")]),
            ],
            [(node, list(batch.evictions)) for node, batch in told],
        )

    def test_one_session_or_one_device_may_be_evicted(self) -> None:
        self.register(a_session(1), a_session(2))
        self.assertEqual(1, self.evict({"user": "alice", "session": "s2"})[0])
        self.assertEqual(1, self.evict({"user": "alice", "device": "device1"})[0])
        self.assertEqual(0, self.evict({"user": "alice", "device": "device1", "session": "s2"})[0])

    def write(self, write: Write) -> Result:
        (result,) = self.successResultOf(self.store.write([write]))
        return result

    def test_a_disabled_user_is_put_out_everywhere_and_stays_out(self) -> None:
        self.register(a_session(1), a_session(2, node="n2"), a_session(4, "bob"))
        evicted, told = self.evict({"user": "alice"}, "/v1/users/disable")
        self.assertEqual((2, ["n1", "n2"]), (evicted, [node for node, _ in told]))
        ((eviction,), _) = (batch.evictions for _, batch in told)
        self.assertEqual(("s1", Code.DISABLED), (eviction.session, eviction.code))
        refused = self.write(Login("alice", "device1", "phone", 2))
        assert isinstance(refused, Refused)
        self.assertEqual(Code.DISABLED, refused.code)
        self.assertEqual((0, []), self.evict({"user": "alice"}, "/v1/users/enable"))
        self.assertIsInstance(self.write(Login("alice", "device1", "phone", 2)), LoggedIn)

    def test_a_logged_out_device_ends_and_needs_a_new_token(self) -> None:
        self.write(Login("alice", "device1", "phone", 1))
        self.register(a_session(1), a_session(2))
        evicted, told = self.evict({"user": "alice", "device": "device1"}, "/v1/devices/logout")
        ((_, batch),) = told
        self.assertEqual((1, "s1"), (evicted, batch.evictions[0].session))
        self.assertEqual(Code.LOGGED_OUT, batch.evictions[0].code)
        issued_ms = int(NOW * 1000)
        refused = self.write(Login("alice", "device1", "phone", 2, issued_ms - 1))
        assert isinstance(refused, Refused)
        self.assertEqual(Code.LOGGED_OUT, refused.code)
        self.assertIsInstance(self.write(Login("alice", "device1", "phone", 2, issued_ms)), LoggedIn)

    def test_what_is_not_there_can_not_be_logged_out_or_enabled(self) -> None:
        for path, body in (
            ("devices/logout", {"user": "eve", "device": "d"}),
            ("users/enable", {"user": "eve"}),
        ):
            self.assertEqual((404, "not_found"), self.refusal(self.call("POST", f"/v1/{path}", body)))

    def test_who_is_meant_must_be_named(self) -> None:
        for path, body, field in (
            ("devices/logout", {"user": "alice"}, "device"),
            ("devices/logout", {"device": "d"}, "user"),
            ("users/disable", {}, "user"),
            ("users/enable", {"user": ""}, "user"),
            ("users/disable", {"user": "a b"}, "user"),
            ("sessions/evict", {"user": "alice", "text": "x" * 257}, "text"),
        ):
            status, answer = self.call("POST", f"/v1/{path}", body)
            self.assertEqual((400, field), (status, cast(dict[str, object], answer["error"])["field"]))

    def test_a_bad_body_is_refused_by_its_field(self) -> None:
        for body, field in (
            (b"not json", "body"),
            (b"[]", "body"),
            (b"[" * 60_000, "body"),
            ({}, "user"),
            ({"user": 5}, "user"),
            ({"user": "alice", "session": ["s1"]}, "session"),
        ):
            status, answer = self.call("POST", "/v1/sessions/evict", body)
            error = cast(dict[str, object], answer["error"])
            self.assertEqual((400, field), (status, error["field"]))

    def test_another_method_is_told_which_there_are(self) -> None:
        self.assertEqual(405, self.call("DELETE", "/v1/sessions")[0])
        self.assertIn("Allow: GET", self.head)

    def test_a_registry_that_fails_is_unavailable(self) -> None:
        self.registry.answer = fail(UnavailableError("down"))
        self.assertEqual((503, "unavailable"), self.refusal(self.call("GET", "/v1/sessions")))

    def test_a_registry_that_never_answers_is_given_up(self) -> None:
        self.registry.answer = Deferred()
        socket = self.send("GET", "/v1/sessions", token=self.tokens.mint("root", 60, ("admin",)))
        self.clock.advance(4.9)
        self.assertEqual(b"", socket.value())
        self.clock.advance(0.2)
        self.assertEqual(503, self.response(socket)[0])

    def test_a_client_that_goes_away_stops_its_request(self) -> None:
        stopped: list[object] = []
        self.registry.answer = Deferred(stopped.append)
        socket = self.send("GET", "/v1/sessions", token=self.tokens.mint("root", 60, ("admin",)))
        socket.end()
        self.assertEqual(1, len(stopped))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_an_error_of_ours_is_logged_and_told_as_internal(self) -> None:
        self.registry.answer = fail(ZeroDivisionError("secret detail"))
        status, answer = self.call("GET", "/v1/sessions")
        self.assertEqual((500, "internal"), self.refusal((status, answer)))
        self.assertNotIn("secret", json.dumps(answer))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
