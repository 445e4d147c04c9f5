"""Who may take a message back, or change it."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.changing import edit_refusal, no_target, recall_refusal
from im.core.errors import Code, Refused


def code(refused: Refused | None) -> Code | None:
    return None if refused is None else refused.code


class ChangingTests(SynchronousTestCase):
    def test_one_s_own_is_taken_back_within_the_time(self) -> None:
        self.assertIsNone(recall_refusal(True, False, 1_000, 1_000))
        self.assertEqual(Code.PERMISSION_DENIED, code(recall_refusal(True, False, 1_001, 1_000)))

    def test_admins_take_anything_back_and_others_nothing(self) -> None:
        self.assertIsNone(recall_refusal(False, True, 10**12, 1_000))
        self.assertEqual(Code.PERMISSION_DENIED, code(recall_refusal(False, False, 0, 1_000)))

    def test_one_s_own_is_changed_within_the_time_if_its_kind_allows(self) -> None:
        self.assertIsNone(edit_refusal(True, True, 1_000, 1_000))
        self.assertEqual(Code.PERMISSION_DENIED, code(edit_refusal(True, True, 1_001, 1_000)))
        self.assertEqual(Code.PERMISSION_DENIED, code(edit_refusal(True, False, 0, 1_000)))
        self.assertEqual(Code.PERMISSION_DENIED, code(edit_refusal(False, True, 0, 1_000)))

    def test_a_target_that_is_not_there_is_not_found(self) -> None:
        self.assertEqual(Code.NOT_FOUND, no_target().code)
