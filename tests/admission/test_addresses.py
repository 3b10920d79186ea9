"""Where a client is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from twisted.trial.unittest import SynchronousTestCase

from presence.admission.addresses import client_address, neighbourhood

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))


class ClientAddressTests(SynchronousTestCase):
    def assert_client(self, expected: str | None, peer: str | None, forwarded_for: str = "") -> None:
        """Check where a client is, behind those proxies."""
        address = client_address(peer, forwarded_for, PROXIES)
        self.assertEqual(address, None if expected is None else ip_address(expected))

    def test_direct(self) -> None:
        """Who comes without a proxy is where it comes from, whatever it says."""
        self.assert_client("192.0.2.7", "192.0.2.7")
        self.assert_client("192.0.2.7", "192.0.2.7", "198.51.100.1")
        self.assert_client("2001:db8::7", "2001:db8::7", "198.51.100.1")

    def test_proxy(self) -> None:
        """Who comes by a trusted proxy is where that says."""
        self.assert_client("192.0.2.7", "10.0.0.1", "192.0.2.7")
        self.assert_client("2001:db8::7", "2001:db8:1::1", "2001:db8::7")

    def test_chain(self) -> None:
        """Of several proxies the last that is not trusted is the client, whatever it claims itself."""
        self.assert_client("192.0.2.7", "10.0.0.1", "198.51.100.1, 192.0.2.7, 10.0.0.2")

    def test_spellings(self) -> None:
        """A proxy may add a port, and brackets."""
        for text in ("192.0.2.7", "192.0.2.7:4711", " 192.0.2.7 ", "::ffff:192.0.2.7"):
            self.assert_client("192.0.2.7", "10.0.0.1", text)
        for text in ("2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711"):
            self.assert_client("2001:db8::7", "10.0.0.1", text)

    def test_mapped(self) -> None:
        """An IPv4 address that came by an IPv6 socket is an IPv4 address."""
        self.assert_client("192.0.2.7", "::ffff:192.0.2.7")
        self.assert_client("192.0.2.7", "::ffff:10.0.0.1", "192.0.2.7")

    def test_unknown(self) -> None:
        """A client is nowhere when its proxy does not say where."""
        for forwarded_for in ("", "unknown", "_hidden", "1.2.3", "192.0.2.7:x", "192.0.2.7,"):
            self.assert_client(None, "10.0.0.1", forwarded_for)
        self.assert_client(None, None, "192.0.2.7")

    def test_nul(self) -> None:
        """So is one of whom a proxy says something with a NUL in it."""
        self.assert_client(None, "192.0.2.\x007")

    def test_this_machine(self) -> None:
        """What comes from this machine is some proxy or other, and no place to count at."""
        self.assert_client(None, "127.0.0.1", "192.0.2.7")
        self.assert_client(None, "::1")

    def test_inside(self) -> None:
        """A client beside the proxies is where it is."""
        self.assert_client("10.0.0.9", "10.0.0.1", "10.0.0.9")


class NeighbourhoodTests(SynchronousTestCase):
    def test_ipv4(self) -> None:
        """Two IPv4 addresses are two places."""
        self.assertNotEqual(neighbourhood(ip_address("192.0.2.7")), neighbourhood(ip_address("192.0.2.8")))

    def test_ipv6(self) -> None:
        """All addresses of an IPv6 /64 are one place."""
        near, nearer, far = map(ip_address, ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1"))
        self.assertEqual(neighbourhood(near), neighbourhood(nearer))
        self.assertNotEqual(neighbourhood(near), neighbourhood(far))
