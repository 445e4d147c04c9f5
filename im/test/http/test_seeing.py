"""`/v1/shards` and `/v1/trace` of the admin port."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed

from im.business.tracing import TraceDesk
from im.core.messages import MoveDelivered, Send
from im.core.seeing import FindFlights, Flight, FlightsFound
from im.http.seeing import SeeingDesk, ShardStatus
from im.test.http.test_admin import NOW, AdminCase, a_session

TALK = "d~alice~bob"
ID = b"m" * 16
SHARD = ShardStatus(0, "w1-a", 3, 1_000, 2, True)


class SeeingTests(AdminCase):
    def setUp(self) -> None:
        super().setUp()
        traces = TraceDesk(self.store, self.registry, self.flights)
        self.serve(seeing=SeeingDesk(self.shards, traces))
        sent = self.store.write([Send(TALK, "alice", "phone", ID, b"", 0, 1, b"hello")])
        self.successResultOf(sent)

    async def shards(self) -> Sequence[ShardStatus]:
        return [SHARD]

    def flights(self, node: str, wanted: FindFlights) -> "Deferred[FlightsFound]":
        flight = Flight("s1", "bob", "d1", "phone", 5_000, 1, False)
        return succeed(FlightsFound((flight,), False))

    def test_shards_are_told_as_their_owners_tell_them(self) -> None:
        status, body = self.call("GET", "/v1/shards")
        expected = {"shard": 0, "owner": "w1-a", "epoch": 3, "since_ms": 1_000, "waiting": 2, "answers": True}
        self.assertEqual((200, {"shards": [expected]}), (status, body))

    def test_a_message_is_traced(self) -> None:
        self.register(a_session(1, "bob", "n1~generation"))
        self.successResultOf(self.store.write([MoveDelivered(TALK, "bob", 1)]))
        status, body = self.call("GET", f"/v1/trace?conversation={TALK}&seq=1")
        self.assertEqual(200, status, body)
        self.assertEqual(
            {name: body[name] for name in ("sender", "client_msg_id", "committed_ms", "shard", "worker")},
            {
                "sender": "alice",
                "client_msg_id": ID.hex(),
                "committed_ms": int(NOW * 1000),
                "shard": None,
                "worker": "",
            },
        )
        self.assertEqual(body["nodes"], [{"node": "n1", "has_answered": True, "is_complete": True}])
        self.assertEqual(
            body["sessions"],
            [
                {
                    "session": "s1",
                    "user": "bob",
                    "device": "d1",
                    "device_class": "phone",
                    "node": "n1",
                    "connected_ms": 5_000,
                    "state": "in_flight",
                    "resends": 1,
                }
            ],
        )
        told = [{"is_delivered": False, "is_connected": False}, {"is_delivered": True, "is_connected": True}]
        members = body["members"]
        assert isinstance(members, list)
        self.assertEqual(told, [{name: each[name] for name in told[0]} for each in members])

    def test_a_message_is_found_by_its_sender_and_client_id(self) -> None:
        status, body = self.call("GET", f"/v1/trace?user=alice&client_msg_id={ID.hex()}")
        self.assertEqual((200, TALK, 1), (status, body["conversation"], body["seq"]))

    def test_what_names_no_message_is_refused(self) -> None:
        for query, code in {
            f"conversation={TALK}&seq=2": (404, "not_found"),
            f"conversation={TALK}&seq=x": (400, "invalid_argument"),
            f"conversation={TALK}&seq={'9' * 20}": (400, "invalid_argument"),
            f"conversation={TALK}": (400, "invalid_argument"),
            "user=alice&client_msg_id=zz": (400, "invalid_argument"),
            "user=alice": (400, "invalid_argument"),
        }.items():
            self.assertEqual(code, self.refusal(self.call("GET", f"/v1/trace?{query}")), query)

    def test_only_operators_see(self) -> None:
        for path in ("/v1/shards", f"/v1/trace?conversation={TALK}&seq=1"):
            refused = self.call("GET", path, scopes=("push",))
            self.assertEqual((403, "permission_denied"), self.refusal(refused))
