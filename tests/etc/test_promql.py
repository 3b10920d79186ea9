"""Reading expressions of Prometheus."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.etc.promql import unknown


class UnknownTests(SynchronousTestCase):
    def test_known(self) -> None:
        """What is told is known, with its labels, whatever is done with it."""
        for expression in (
            'up{job="presence"} == 0 or absent(up{job="presence"})',
            "histogram_quantile(0.99, sum by (job, le) (rate(presence_fanout_seconds_bucket[5m])))",
            'sum without (to) (rate(presence_transitions_total{cause=~"lost|drained"}[$__rate_interval]))',
            "presence_certificate_expiry_timestamp_seconds - time() < 14 * 86400",
            "presence_ready offset 5m unless on (instance) (presence_sockets > 1e3)",
        ):
            self.assertEqual(unknown(expression), set(), expression)

    def test_metric(self) -> None:
        """A metric that nobody tells is unknown."""
        self.assertEqual(unknown("rate(presence_redy[5m]) + up"), {"presence_redy"})

    def test_label_of_a_selector(self) -> None:
        """So is a label that the selected metric does not have."""
        self.assertEqual(
            unknown('presence_ready{code="1000"} or presence_connections_closed_total'), {"code"}
        )

    def test_label_of_a_group(self) -> None:
        """So is a label to group by that no metric of the expression has."""
        self.assertEqual(unknown("sum by (user) (presence_sockets)"), {"user"})
