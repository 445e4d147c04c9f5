from twisted.trial.unittest import SynchronousTestCase

from im.http.forwarded import TrustedProxies

PROXY, OTHER_PROXY, CLIENT, LIAR = "10.0.0.1", "10.0.0.2", "203.0.113.9", "198.51.100.66"

TRUSTED = ("10.0.0.0/8",)


class TrustedProxiesTests(SynchronousTestCase):
    def address(
        self, peer: str, *headers: tuple[str, str], trusted: tuple[str, ...] = ("10.0.0.0/8",)
    ) -> str:
        def lookup(name: str) -> list[str]:
            return [value for header, value in headers if header == name]

        return TrustedProxies(trusted).client_address(peer, lookup)

    def test_a_trusted_proxy_tells_the_client(self) -> None:
        self.assertEqual(CLIENT, self.address(PROXY, ("X-Forwarded-For", CLIENT)))
        self.assertEqual(CLIENT, self.address(PROXY, ("Forwarded", f"for={CLIENT};proto=https")))

    def test_nobody_else_is_believed(self) -> None:
        self.assertEqual(LIAR, self.address(LIAR, ("X-Forwarded-For", CLIENT)))
        self.assertEqual(LIAR, self.address(LIAR, ("Forwarded", f"for={CLIENT}")))
        self.assertEqual(PROXY, self.address(PROXY, ("X-Forwarded-For", CLIENT), trusted=()))

    def test_without_headers_the_peer_is_the_client(self) -> None:
        self.assertEqual(PROXY, self.address(PROXY))

    def test_what_a_client_invents_stands_left_of_what_the_proxy_saw(self) -> None:
        self.assertEqual(CLIENT, self.address(PROXY, ("X-Forwarded-For", f"1.2.3.4, {CLIENT}")))
        self.assertEqual(CLIENT, self.address(PROXY, ("Forwarded", f"for=1.2.3.4, for={CLIENT}")))
        twice = (("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", CLIENT))
        self.assertEqual(CLIENT, self.address(PROXY, *twice))

    def test_a_chain_of_trusted_proxies_is_followed(self) -> None:
        self.assertEqual(
            CLIENT, self.address(PROXY, ("X-Forwarded-For", f"1.1.1.1, {CLIENT}, {OTHER_PROXY}"))
        )

    def test_a_client_inside_the_trusted_network_is_the_first_of_the_chain(self) -> None:
        self.assertEqual("10.9.9.9", self.address(PROXY, ("X-Forwarded-For", f"10.9.9.9, {OTHER_PROXY}")))

    def test_rubbish_ends_the_chain_at_the_last_proxy(self) -> None:
        for hop in ("unknown", "_hidden", "", "1.2.3", "<script>", "[::1"):
            self.assertEqual(PROXY, self.address(PROXY, ("X-Forwarded-For", f"{CLIENT}, {hop}")), hop)
            self.assertEqual(PROXY, self.address(PROXY, ("Forwarded", f'for={CLIENT}, for="{hop}"')), hop)
        self.assertEqual(PROXY, self.address(PROXY, ("Forwarded", "proto=https")))

    def test_ports_and_brackets_are_taken_off(self) -> None:
        for hop, address in (
            (f"{CLIENT}:4711", CLIENT),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            (f"::ffff:{CLIENT}", CLIENT),
        ):
            self.assertEqual(address, self.address(PROXY, ("X-Forwarded-For", hop)))
            self.assertEqual(address, self.address(PROXY, ("Forwarded", f'by=x;FOR="{hop}"')))

    def test_two_headers_that_disagree_are_both_ignored(self) -> None:
        both = (("X-Forwarded-For", CLIENT), ("Forwarded", f"for={LIAR}"))
        self.assertEqual(PROXY, self.address(PROXY, *both))
        same = (("X-Forwarded-For", CLIENT), ("Forwarded", f"for={CLIENT}"))
        self.assertEqual(CLIENT, self.address(PROXY, *same))

    def test_a_unix_socket_is_no_trusted_network(self) -> None:
        self.assertEqual("unix", self.address("unix", ("X-Forwarded-For", CLIENT)))

    def test_what_is_no_network_is_refused(self) -> None:
        self.assertRaises(ValueError, TrustedProxies, ["10.0.0.1/8"])
        self.assertRaises(ValueError, TrustedProxies, ["proxy.example"])
