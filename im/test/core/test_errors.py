"""Codes are stable; refusals carry what a frame needs."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused, RefusedError, accepted, invalid


class CodeTest(SynchronousTestCase):
    def test_a_label_is_the_stable_name(self) -> None:
        self.assertEqual(Code.INVALID_ARGUMENT.label, "invalid_argument")
        self.assertEqual(Code(6).label, "conflict")

    def test_what_a_person_must_change_is_not_retryable(self) -> None:
        for code in (
            Code.INVALID_ARGUMENT,
            Code.CONFLICT,
            Code.PERMISSION_DENIED,
            Code.DISPLACED,
            Code.KICKED,
        ):
            self.assertFalse(code.is_retryable, code)

    def test_what_passes_by_itself_is_retryable(self) -> None:
        for code in (Code.OUT_OF_ORDER, Code.RATE_LIMITED, Code.UNAVAILABLE, Code.DRAINING):
            self.assertTrue(code.is_retryable, code)

    def test_no_number_is_zero_so_that_it_always_travels(self) -> None:
        self.assertTrue(all(Code))


class RefusedTest(SynchronousTestCase):
    def test_a_wrong_field_is_named(self) -> None:
        self.assertEqual(invalid("kind", "no"), Refused(Code.INVALID_ARGUMENT, "no", field="kind"))

    def test_the_exception_says_code_and_text(self) -> None:
        refused = Refused(Code.NOT_FOUND, "no such user")
        error = RefusedError(refused)
        self.assertIs(error.refused, refused)
        self.assertEqual(str(error), "not_found: no such user")

    def test_a_result_is_accepted_or_its_refusal_raised(self) -> None:
        self.assertEqual(accepted("done", str), "done")
        refused = Refused(Code.NOT_FOUND, "no such user")
        self.assertIs(self.assertRaises(RefusedError, accepted, refused, str).refused, refused)
        self.assertRaises(AssertionError, accepted, 1, str)
