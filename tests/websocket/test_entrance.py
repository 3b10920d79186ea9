"""Who is let in, and who is told to come back later."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from presence.config import Settings
from presence.logs import set_level
from presence.testing import FakeDaemon
from tests.websocket.peer import HELLO, PING, PONG, TEXT, Peer, frame, make_daemon

A_CLIENT = "X-Forwarded-For: 192.0.2.7"


def limited(**settings: int) -> FakeDaemon:
    """Return a daemon with some limits, behind proxies in 10.0.0.0/8."""
    proxies = (ip_network("10.0.0.0/8"),)
    return make_daemon(Settings(settle=0, token_recheck=0, trusted_proxies=proxies, **settings))  # type: ignore[arg-type]  # numbers, all of them


class EntranceTests(SynchronousTestCase):
    def come(self, daemon: FakeDaemon, *headers: str, host: str = "192.0.2.1", proxied: bool = False) -> Peer:
        """Return a peer that has shaken hands."""
        peer = Peer(daemon, host=host, proxied=proxied)
        self.frames = peer.shake_hands(*headers).partition(b"\r\n\r\n")[2]
        return peer

    def assert_told_to_wait(self, daemon: FakeDaemon, *headers: str, host: str = "192.0.2.1") -> None:
        """Check that the next one is upgraded, closed 1013, and listened to no more."""
        peer = self.come(daemon, *headers, host=host)
        self.assertEqual(peer.close_code(self.frames), 1013)
        answer = peer.send(frame(TEXT, HELLO) + frame(PING, b"") + frame(PONG, b""))
        self.assertEqual(answer, b"")

    def assert_let_in(self, daemon: FakeDaemon, *headers: str, host: str = "192.0.2.1") -> Peer:
        """Check that the next one is served."""
        peer = self.come(daemon, *headers, host=host)
        self.assertEqual(peer.say(HELLO)[0]["type"], "OK")
        return peer

    def test_connections(self) -> None:
        """One connection too many is told to come back later; there is room when another ends."""
        daemon = limited(max_connections=1)
        first = self.assert_let_in(daemon)
        self.assert_told_to_wait(daemon, host="192.0.2.2")
        first.vanish()
        daemon.admission.connections -= 1  # the one that was told to wait is still there
        self.assert_let_in(daemon)

    def test_unidentified(self) -> None:
        """Those that never say HELLO keep others out only up to their own limit."""
        daemon = limited(max_unidentified=1)
        self.assert_let_in(daemon)
        self.assert_let_in(daemon)
        self.come(daemon)
        self.assert_told_to_wait(daemon)

    def test_dropped(self) -> None:
        """Far beyond the limit not even a handshake is made."""
        daemon = limited(max_connections=1)
        peers = [Peer(daemon) for _ in range(3)]
        self.assertEqual([peer.aborted for peer in peers], [False, False, True])

    def test_dropped_behind_haproxy(self) -> None:
        """Nor on a port of haproxy's, wherever they are from."""
        daemon = limited(max_connections=1)
        peers = [Peer(daemon, proxied=True) for _ in range(3)]
        self.assertEqual([peer.aborted for peer in peers], [False, False, True])

    def test_address(self) -> None:
        """One address has its limit, and others do not notice."""
        daemon = limited(max_connections_per_address=1)
        self.assert_let_in(daemon)
        self.assert_told_to_wait(daemon)
        self.assert_let_in(daemon, host="192.0.2.2")

    def test_address_before_the_handshake(self) -> None:
        """An address is counted before it shakes hands."""
        daemon = limited(max_connections_per_address=1)
        Peer(daemon)
        self.assert_told_to_wait(daemon)

    def test_gone(self) -> None:
        """Who is gone does not count any more."""
        daemon = limited(max_connections_per_address=1)
        self.assert_let_in(daemon).vanish()
        self.assert_let_in(daemon)

    def test_trusted_proxy(self) -> None:
        """Behind a trusted proxy its clients are counted, and not the proxy."""
        daemon = limited(max_connections_per_address=1)
        self.assert_let_in(daemon, A_CLIENT, host="10.0.0.1")
        self.assert_let_in(daemon, "X-Forwarded-For: 192.0.2.8", host="10.0.0.1")
        self.assert_told_to_wait(daemon, A_CLIENT, host="10.0.0.2")

    def test_untrusted_proxy(self) -> None:
        """What anybody else says of whom it speaks for is not believed."""
        daemon = limited(max_connections_per_address=1)
        self.assert_let_in(daemon, A_CLIENT)
        self.assert_told_to_wait(daemon, "X-Forwarded-For: 192.0.2.8")

    def test_far_too_many_of_a_client(self) -> None:
        """A client far beyond its limit is dropped when its proxy has said who it is."""
        daemon = limited(max_connections_per_address=1)
        peers = [self.come(daemon, A_CLIENT, host="10.0.0.1") for _ in range(3)]
        self.assertEqual([peer.aborted for peer in peers], [False, False, True])

    def test_haproxy(self) -> None:
        """On a port of haproxy's the address is not looked at before its header was read."""
        daemon = limited(max_connections_per_address=1)
        first, second = (Peer(daemon, host="192.0.2.9", proxied=True) for _ in range(2))
        self.assertEqual(daemon.admission.at_places, {})
        first.shake_hands()
        answer = second.shake_hands()
        self.assertEqual(second.close_code(answer.partition(b"\r\n\r\n")[2]), 1013)

    def test_place(self) -> None:
        """Tokens are checked in the name of the place that a client comes from, if it is known."""
        daemon = limited()
        self.assert_let_in(daemon)
        self.assert_let_in(daemon, A_CLIENT, host="10.0.0.1")
        self.assert_let_in(daemon, host="127.0.0.1")
        self.assertEqual(daemon.tokens.places, [bytes([192, 0, 2, 1]), bytes([192, 0, 2, 7]), None])

    def test_name(self) -> None:
        """In the log a client behind a proxy goes by its own address."""
        set_level("debug")
        self.addCleanup(set_level, "info")
        peer = self.come(limited(), A_CLIENT, host="10.0.0.1")
        self.assertEqual(peer.protocol.peer, "192.0.2.7")
