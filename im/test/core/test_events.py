"""Ids of events, their lanes, and what they say."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.events import (
    MOST_STORED,
    STORED_LANE,
    EventIds,
    StoredEntry,
    event_ms,
    first_event,
    lane_of,
    offline_message_payload,
    payload,
    stored_payloads,
)
from im.core.reaching import AwayDevice, OfflineMessage


def an_entry(seq: int, conversation: str = "d~alice~bob") -> StoredEntry:
    return StoredEntry(conversation, seq, "alice", 1, bytes(16))


class EventIdTests(SynchronousTestCase):
    @settings(derandomize=True, deadline=None, max_examples=50)
    @given(st.lists(st.integers(0, 20), max_size=60))
    def test_each_is_larger_than_the_one_before_whatever_the_clock_does(self, times: list[int]) -> None:
        ids = EventIds(bytes)
        made = [ids.next(time_ms) for time_ms in times]
        self.assertEqual(sorted({*made}), made)

    def test_they_tell_the_time_and_borrow_from_the_next_when_it_is_full(self) -> None:
        ids = EventIds(bytes)
        made = [ids.next(7) for _ in range(4_097)]
        self.assertEqual([7, 7, 8], [event_ms(each) for each in (made[0], made[4_095], made[4_096])])
        self.assertEqual(sorted(made), made)

    def test_they_follow_what_an_earlier_process_gave(self) -> None:
        earlier = EventIds(lambda size: b"\xff" * size).next(50)
        ids = EventIds(bytes)
        ids.follow(earlier)
        self.assertGreater(ids.next(10), earlier)
        ids.follow(bytes(16))
        self.assertEqual(60, event_ms(ids.next(60)))

    def test_no_id_of_a_time_is_below_its_first(self) -> None:
        self.assertLess(first_event(50), EventIds(bytes).next(50))
        self.assertGreater(first_event(51), EventIds(lambda size: b"\xff" * size).next(50))
        self.assertEqual(bytes(16), first_event(-1))


class EventTests(SynchronousTestCase):
    def test_a_user_is_a_lane_and_so_are_records_of_many_users(self) -> None:
        self.assertEqual("alice", lane_of("alice"))
        self.assertEqual(STORED_LANE, lane_of(""))

    def test_a_payload_is_json(self) -> None:
        self.assertEqual('{"seq":1,"text":"日"}', payload(seq=1, text="日"))

    def test_a_large_batch_has_several_records(self) -> None:
        entries = [an_entry(seq) for seq in range(1, MOST_STORED + 2)]
        first, second = (json.loads(text)["entries"] for text in stored_payloads(entries))
        self.assertEqual((MOST_STORED, [MOST_STORED + 1]), (len(first), [each["seq"] for each in second]))
        self.assertEqual([], list(stored_payloads([])))

    def test_a_record_names_the_users_that_the_conversation_names(self) -> None:
        (text,) = stored_payloads([an_entry(1), an_entry(2, "g~0190")])
        self.assertEqual([["alice", "bob"], []], [each["users"] for each in json.loads(text)["entries"]])

    def test_a_message_that_reached_nobody_is_told_whole_but_for_its_user(self) -> None:
        device = AwayDevice("phone", "phone", "fcm", "token")
        away = OfflineMessage(
            "bob", "d~alice~bob", 3, "alice", 1, 99, b"hi", False, 4, False, True, (device,)
        )
        told = json.loads(offline_message_payload(away))
        self.assertEqual(("aGk=", [device._asdict()], 4), (told["content"], told["devices"], told["badge"]))
        self.assertNotIn("user", told)
