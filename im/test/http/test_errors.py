import json

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused
from im.http.errors import error_body, raw_response, status_of


class ErrorTests(SynchronousTestCase):
    def test_every_error_has_the_one_shape(self) -> None:
        body = error_body(Refused(Code.RATE_LIMITED, "slower, bitte schön", "text"))
        expected = {
            "code": "rate_limited",
            "number": 8,
            "text": "slower, bitte schön",
            "field": "text",
            "retryable": True,
        }
        self.assertEqual({"error": expected}, json.loads(body))

    def test_a_text_that_is_no_unicode_is_still_written(self) -> None:
        self.assertIn(b"invalid_argument", error_body(Refused(Code.INVALID_ARGUMENT, "\ud800")))

    def test_each_code_is_a_client_or_a_server_error(self) -> None:
        for code in Code:
            self.assertTrue(400 <= status_of(code) < 600, code)
        self.assertEqual(503, status_of(Code.UNAVAILABLE))
        self.assertEqual(401, status_of(Code.EXPIRED))
        self.assertEqual(400, status_of(Code.INVALID_ARGUMENT))

    def test_a_raw_response_is_whole_and_ends_its_connection(self) -> None:
        head, _, body = raw_response(Refused(Code.TOO_LARGE, "too large"), 431).partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 431 "))
        self.assertIn(b"Connection: close", head)
        self.assertIn(b"Content-Length: %d" % len(body), head)
