"""Why a request failed, in words for the log."""

from __future__ import annotations

from ipaddress import IPv4Address

from OpenSSL import SSL
from service_identity import VerificationError
from service_identity.exceptions import DNSMismatch, IPAddressMismatch
from service_identity.hazmat import DNS_ID, IPAddress_ID
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from presence.host.reasons import describe
from tests.canary import TOKEN


class DescribeTests(SynchronousTestCase):
    def test_cause(self) -> None:
        """What broke the connection is the reason, however deep it lies."""
        broken = ResponseNeverReceived([Failure(ResponseFailed([Failure(Refusal("no such port"))]))])
        self.assertRegex(describe(broken, "pray"), "^ConnectionRefusedError: .*no such port")

    def test_untrusted(self) -> None:
        """A certificate that is not trusted comes with what to look at."""
        reason = describe(SSL.Error([("SSL routines", "", "certificate verify failed")]), "pray")
        self.assertRegex(reason, "^TLS: certificate verify failed .*expired.*: pray")

    def test_tls(self) -> None:
        """Another fault of TLS comes in the words of OpenSSL, if it has any."""
        self.assertEqual(describe(SSL.Error([("SSL routines", "", "no cipher")]), "pray"), "TLS: no cipher")
        self.assertEqual(describe(SSL.ZeroReturnError(), "pray"), "TLS: ZeroReturnError")

    def test_wrong_name(self) -> None:
        """A certificate of another name comes with the name that was wanted."""
        wanted = [
            DNSMismatch(DNS_ID("api.example.com")),
            IPAddressMismatch(IPAddress_ID(IPv4Address("192.0.2.1"))),
        ]
        reason = describe(VerificationError(errors=wanted), "pray")
        self.assertRegex(reason, "not for .*api.example.com.*192.0.2.1")

    def test_nothing_that_was_sent(self) -> None:
        """What came over the wire, a token that was sent back perhaps, is no part of it."""
        self.assertEqual(describe(ValueError(f"bad status {TOKEN}"), "pray"), "ValueError")
