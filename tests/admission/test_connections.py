"""How many connections there may be."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from presence.admission.connections import Admission, Entrance, Visit
from presence.admission.limits import Limit, Limits
from presence.config import Settings

ADMITTED, TOLD_TO_WAIT, DROPPED = Entrance


class AdmissionTests(SynchronousTestCase):
    identified = 0

    def admission(self, **settings: int) -> Admission:
        """Return an admission with some limits."""
        self.limits = Limits(Clock())
        chosen = Settings(**settings)  # type: ignore[arg-type]  # numbers, all of them
        return Admission(chosen, self.limits, lambda: self.identified)

    def visit(self, admission: Admission, host: str | None = None) -> Visit:
        """Return a visit, from somewhere if that is known."""
        visit = admission.visit("peer")
        visit.come_from(host)
        return visit

    def entrances(self, admission: Admission, count: int, host: str | None = None) -> list[Entrance]:
        """Return what becomes of so many new connections."""
        return [self.visit(admission, host).entrance for _ in range(count)]

    def test_two_edges(self) -> None:
        """Beyond the limit one is told to wait, and a tenth above it dropped."""
        admission = self.admission(max_connections=20)
        self.assertEqual(self.entrances(admission, 26), [ADMITTED] * 20 + [TOLD_TO_WAIT] * 3 + [DROPPED] * 3)
        self.assertEqual(self.limits.exceeded, {Limit.CONNECTIONS: 6})

    def test_room_again(self) -> None:
        """When one ends there is room for another."""
        admission = self.admission(max_connections=1)
        first = self.visit(admission)
        second = self.visit(admission)
        self.assertEqual(second.entrance, TOLD_TO_WAIT)
        first.end()
        second.end()
        self.assertEqual(self.entrances(admission, 1), [ADMITTED])

    def test_unidentified(self) -> None:
        """Those that have a user do not count among those that have none yet."""
        admission = self.admission(max_unidentified=2)
        self.assertEqual(self.entrances(admission, 3), [ADMITTED, ADMITTED, TOLD_TO_WAIT])
        self.assertEqual(self.limits.exceeded, {Limit.UNIDENTIFIED: 1})
        self.identified = 2
        self.assertEqual(self.entrances(admission, 2), [ADMITTED, TOLD_TO_WAIT])

    def test_address(self) -> None:
        """One place has its own limit; other places do not notice."""
        admission = self.admission(max_connections_per_address=1)
        first = self.visit(admission, "192.0.2.1")
        second = self.visit(admission, "192.0.2.1")
        self.assertEqual([first.entrance, second.entrance], [ADMITTED, TOLD_TO_WAIT])
        self.assertEqual(self.entrances(admission, 1, "192.0.2.2"), [ADMITTED])
        self.assertEqual(self.limits.exceeded, {Limit.ADDRESS: 1})
        first.end()
        second.end()
        self.assertEqual(self.entrances(admission, 1, "192.0.2.1"), [ADMITTED])
        self.assertEqual(len(admission.at_places), 2)

    def test_place(self) -> None:
        """Its place is an IPv4 address or IPv6 /64, and this machine is no place."""
        admission = self.admission()
        hosts = ("192.0.2.1", "2001:db8::1", "127.0.0.1", None)
        places = [self.visit(admission, host).place for host in hosts]
        self.assertEqual(places, [bytes([192, 0, 2, 1]), bytes.fromhex("20010db800000000"), None, None])

    def test_nothing_left(self) -> None:
        """When all have ended nothing is remembered."""
        admission = self.admission()
        for visit in [self.visit(admission, "192.0.2.1"), self.visit(admission, "192.0.2.1")]:
            visit.end()
        self.assertEqual((admission.connections, admission.at_places), (0, {}))

    def test_once(self) -> None:
        """Where a connection comes from is found out once."""
        admission = self.admission(max_connections_per_address=1)
        visit = self.visit(admission, "192.0.2.1")
        visit.come_from("192.0.2.1", "198.51.100.7")
        self.assertEqual((visit.entrance, visit.peer), (ADMITTED, "peer"))
