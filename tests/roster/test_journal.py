"""Tests of the published list and its history."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from presence.roster.journal import PUBLICATIONS_REMEMBERED, Change, Journal
from presence.wire.messages import Position


class JournalTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Make a journal in which nobody is online."""
        self.journal = Journal("e")
        self.version = 0

    def record(self, *, came: Sequence[int] = (), went: Sequence[int] = ()) -> None:
        """Record transitions of the truth, each by a version of its own."""
        for online, users in ((True, came), (False, went)):
            for user in users:
                self.version += 1
                self.journal.record(self.version, user, online=online)

    def publish(self, *, came: Sequence[int] = (), went: Sequence[int] = ()) -> Change | None:
        """Record transitions and publish them."""
        self.record(came=came, went=went)
        return self.journal.publish()

    def since(self, version: int, epoch: str = "e") -> Change | None:
        """Return the net change since a version."""
        return self.journal.since(Position(epoch, version))


class PublishTests(JournalTestCase):
    def test_new(self) -> None:
        """A new journal is empty and at version 0."""
        self.assertEqual((self.journal.epoch, self.journal.version, self.journal.online), ("e", 0, []))

    def test_not_before(self) -> None:
        """What is recorded is seen only once it is published."""
        self.record(came=[3])
        self.assertEqual((self.journal.version, self.journal.online, 3 in self.journal), (0, [], False))

    def test_publish(self) -> None:
        """Publishing says who came and went, ascending, and between which versions."""
        self.publish(came=[5, 4, 9, 8])
        change = self.publish(came=[7, 2], went=[9, 8])
        self.assertEqual(change, Change(4, 8, [2, 7], [8, 9]))
        self.assertEqual((self.journal.version, self.journal.online), (8, [2, 4, 5, 7]))

    def test_contains(self) -> None:
        """The journal contains who is on the published list."""
        self.publish(came=[1, 2])
        self.publish(went=[2])
        self.assertEqual([user in self.journal for user in (1, 2, 3)], [True, False, False])

    def test_nothing(self) -> None:
        """Without a transition there is nothing to publish."""
        self.assertIsNone(self.publish())

    def test_cancelled_out(self) -> None:
        """Who came and went, or went and came, is nothing to publish, and the version stays."""
        self.publish(came=[1])
        self.record(came=[2], went=[2, 1])
        self.record(came=[1])
        self.assertEqual((self.journal.publish(), self.journal.version), (None, 1))

    def test_version_of_the_last(self) -> None:
        """A publication has the version of its last transition, also if that cancelled out."""
        change = self.publish(came=[1, 2], went=[2])
        self.assertEqual(change, Change(0, 3, [1], []))


class UnpublishedTests(JournalTestCase):
    def test_unpublished(self) -> None:
        """Users of whom there is something to publish are counted until it is."""
        self.publish(came=[1])
        self.record(came=[2, 3], went=[1])
        self.assertEqual(self.journal.unpublished, 3)
        self.journal.publish()
        self.assertEqual(self.journal.unpublished, 0)

    def test_cancelled_out(self) -> None:
        """Who came and went is not counted."""
        self.record(came=[1], went=[1])
        self.assertEqual(self.journal.unpublished, 0)


class SinceTests(JournalTestCase):
    def test_now(self) -> None:
        """Since the newest version nothing changed."""
        self.publish(came=[1])
        self.assertEqual(self.since(1), Change(1, 1, [], []))

    def test_beginning(self) -> None:
        """The beginning is remembered like any publication."""
        self.publish(came=[2, 1])
        self.assertEqual(self.since(0), Change(0, 2, [1, 2], []))

    def test_net(self) -> None:
        """Changes of the same user cancel each other, and the last one counts."""
        self.publish(came=[1, 2, 3])
        start = self.journal.version
        self.publish(came=[4, 5], went=[1, 2])
        self.publish(came=[2, 6], went=[4, 3])
        self.publish(came=[3], went=[2])
        self.assertEqual(self.since(start), Change(start, self.journal.version, [5, 6], [1, 2]))

    def test_three_times(self) -> None:
        """Who came, went and came again, came."""
        for change in ({"came": [1]}, {"went": [1]}, {"came": [1]}):
            self.publish(**change)
        self.assertEqual(self.since(0), Change(0, 3, [1], []))

    def test_unpublished(self) -> None:
        """What is not published yet is no part of it."""
        self.publish(came=[1])
        self.record(came=[2])
        self.assertEqual(self.since(0), Change(0, 1, [1], []))

    def test_other_epoch(self) -> None:
        """A position of another epoch is not remembered, whatever its version."""
        self.assertIsNone(self.since(0, epoch="other"))

    def test_never_published(self) -> None:
        """A version between two publications, or after the last, is not remembered."""
        self.publish(came=[1, 2])
        self.assertEqual((self.since(1), self.since(3)), (None, None))

    def test_memory(self) -> None:
        """The last 1000 publications are remembered, and no more."""
        for user in range(1, 1002):
            self.publish(came=[user])
        self.assertEqual(PUBLICATIONS_REMEMBERED, 1000)
        self.assertIsNone(self.since(1))
        self.assertEqual(self.since(2), Change(2, 1001, list(range(3, 1002)), []))


class ReadTests(JournalTestCase):
    def setUp(self) -> None:
        """Publish five users."""
        super().setUp()
        self.publish(came=[2, 3, 5, 7, 11])

    def test_among(self) -> None:
        """Of any users those who are online are found, ascending, each once."""
        self.assertEqual(self.journal.among([7, 4, 2, 7]), [2, 7])

    def test_first_page(self) -> None:
        """A page holds the lowest users above a number, and says that there are more."""
        self.assertEqual(self.journal.page(0, 2), ([2, 3], True))

    def test_after_somebody_who_went(self) -> None:
        """The number need not be a user who is online."""
        self.assertEqual(self.journal.page(4, 2), ([5, 7], True))

    def test_after_a_user(self) -> None:
        """A user is on one page only."""
        self.assertEqual(self.journal.page(3, 2), ([5, 7], True))

    def test_last_page(self) -> None:
        """A page that reaches the end has none after it, also when it is full."""
        self.assertEqual(self.journal.page(5, 2), ([7, 11], False))

    def test_behind_the_end(self) -> None:
        """Behind the last user there is an empty page."""
        self.assertEqual(self.journal.page(11, 2), ([], False))


class ChangeTests(SynchronousTestCase):
    def test_among(self) -> None:
        """A change can be narrowed to some users, and keeps its versions."""
        change = Change(1, 9, [2, 4], [3, 5])
        self.assertEqual(change.among(frozenset({4, 5, 6})), Change(1, 9, [4], [5]))

    def test_truth(self) -> None:
        """A change is true when anybody came or went."""
        changes = [Change(1, 2, [3], []), Change(1, 2, [], [3]), Change(1, 2, [], [])]
        self.assertEqual([bool(change) for change in changes], [True, True, False])
