from twisted.trial.unittest import SynchronousTestCase

from im.adapters.jwt.address import checked_url


class AddressTests(SynchronousTestCase):
    def test_https_goes_anywhere_and_http_to_this_machine(self) -> None:
        for url in (
            "https://shop.example/jwks.json",
            "https://shop.example:8443/keys?x=1",
            "http://127.0.0.1:8080/jwks",
            "http://localhost/jwks",
            "http://[::1]:80/jwks",
        ):
            self.assertEqual(url, checked_url(url))

    def test_others_are_refused_in_words(self) -> None:
        for url in (
            "http://shop.example/jwks",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/",
            "ftp://shop.example/",
            "//shop.example/",
        ):
            self.assertIn("is not safe", str(self.assertRaises(ValueError, checked_url, url)), url)
        for url in (
            "",
            "shop",
            "file:///etc/passwd",
            "https://",
            "https://a:b@shop.example/",
            "https://h:x/",
            "https://h/ a",
            "https://h/ä",
        ):
            self.assertIn("is no URL", str(self.assertRaises(ValueError, checked_url, url)), url)
