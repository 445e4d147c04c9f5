"""What a push may be."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused
from im.core.pushing import (
    COLLAPSE_KEY_CHARACTERS,
    MAX_TTL_MS,
    PUSH_ID_BYTES,
    Push,
    chosen_classes,
    collapse_key_problem,
    push_problem,
)

NOW = 1_000
GOOD = Push(bytes(PUSH_ID_BYTES), b"paid", NOW + 1)


class PushTests(SynchronousTestCase):
    def problem(self, **changes: Any) -> tuple[Code, str]:
        refused = push_problem(GOOD._replace(**changes), NOW, 4)
        assert isinstance(refused, Refused)
        return refused.code, refused.field

    def test_a_good_one_has_no_problem(self) -> None:
        for changes in ({}, {"expires_ms": NOW + MAX_TTL_MS}, {"collapse_key": "order 7"}):
            self.assertIsNone(push_problem(GOOD._replace(**changes), NOW, 4))

    def test_what_is_wrong_is_named(self) -> None:
        self.assertEqual((Code.INVALID_ARGUMENT, "id"), self.problem(id=b"short"))
        self.assertEqual((Code.TOO_LARGE, "body"), self.problem(content=b"12345"))
        for expires_ms in (NOW, NOW + MAX_TTL_MS + 1):
            self.assertEqual((Code.INVALID_ARGUMENT, "ttl_seconds"), self.problem(expires_ms=expires_ms))
        self.assertEqual((Code.INVALID_ARGUMENT, "collapse_key"), self.problem(collapse_key="a\nb"))

    def test_a_collapse_key_is_short_and_printable_or_none(self) -> None:
        self.assertIsNone(collapse_key_problem(""))
        self.assertIsNone(collapse_key_problem("k" * COLLAPSE_KEY_CHARACTERS))
        self.assertIsNotNone(collapse_key_problem("k" * (COLLAPSE_KEY_CHARACTERS + 1)))

    def test_no_classes_are_all_of_them(self) -> None:
        self.assertEqual([(), ["phone", "web"]], [chosen_classes(""), chosen_classes("phone,web")])
