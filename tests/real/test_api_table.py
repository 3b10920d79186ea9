"""What the daemon concludes from every answer of the account API, as its document says."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import dropwhile, takewhile
from pathlib import Path
from random import Random
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, fail
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.ssl import PrivateCertificate, trustRootFromCertificates
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.iweb import IAgent
from zope.interface import implementer

from presence.host.answers import LARGEST_BODY
from presence.host.requesting import LARGEST_ANSWER, KeptConnections
from presence.interfaces import ITokenChecker
from presence.tokens import Judge, make_token_checks
from presence.tokens.api import DEADLINE_SECONDS
from presence.tokens.breaker import LEAST_CALLS
from presence.wire.errors import Refused
from tests.canary import TOKEN, secret
from tests.clocks import pass_time
from tests.real.account_api import serve_raw
from tests.real.certificates import Authority
from tests.real.processes import reserve_port

DOCUMENT = Path(__file__).parents[2] / "docs" / "account-api.rst"

USER_ID = 7
GOOD = b'{"id":7}'

Row = tuple[str, ...]
"""Code, temporary, remembered, failure."""


def rows() -> dict[str, Row]:
    """Return the rows of the document's table, by what the API does."""
    ruler, _, *lines = dropwhile(lambda line: " =" not in line, DOCUMENT.read_text("utf-8").splitlines())
    columns = [slice(*column.span()) for column in re.finditer("=+", ruler)]
    told = [
        [line[column].strip().strip("`") for column in columns]
        for line in takewhile(lambda line: line != ruler, lines[1:])
    ]
    return {first: tuple(others) for first, *others in told}


def answer(status: int, body: bytes = GOOD, *headers: str, length: int | None = None) -> bytes:
    """Return an answer, as bytes."""
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def write(*parts: bytes) -> Callable[[ITCPTransport], object]:
    """Return what sends this, and leaves the connection open."""
    return lambda peer: peer.writeSequence(parts)


def write_and_close(*parts: bytes) -> Callable[[ITCPTransport], object]:
    """Return what sends this, and closes the connection."""

    def misbehave(peer: ITCPTransport) -> None:
        peer.writeSequence(parts)
        peer.loseConnection()

    return misbehave


def reset(peer: ITCPTransport) -> None:
    """Break the connection."""
    peer.abortConnection()


_accept = write(answer(200))


@attrs.frozen
class Way:
    """
    One way of an API to behave as a row says.

    :ivar does: What it does when it is asked.
    :ivar certificate: Makes its certificate; None for an API without TLS.
    :ivar https: Whether it is asked by TLS.
    :ivar hangs: Whether its requests end by their deadline.
    :ivar broken_by: What every attempt to connect fails with.
    :ivar listens: Whether it is there at all.
    """

    does: Callable[[ITCPTransport], object] = _accept
    certificate: Callable[[Authority], PrivateCertificate] | None = None
    https: bool = False
    hangs: bool = False
    broken_by: Exception | None = None
    listens: bool = True


def sends(*answers: bytes) -> list[Way]:
    """Return the ways to send each of these."""
    return [Way(write(one)) for one in answers]


def elsewhere(test: TestCase) -> Callable[[Authority], PrivateCertificate]:
    """Return what issues a certificate of another authority."""
    return lambda _: Authority(test).issue("127.0.0.1")


def cases(test: TestCase) -> dict[str, Sequence[Way]]:
    """Return the ways to play each row."""
    return {
        "200 that names the user of HELLO": [
            *sends(answer(200), answer(200, b'{"data":{"id":"7"}}')),
            Way(certificate=lambda authority: authority.issue("127.0.0.1"), https=True),
        ],
        "200 that names another user": sends(answer(200, b'{"id":8}'), answer(200, b'{"id":"77"}')),
        "200 that names nobody": sends(answer(200, b"{}"), answer(200, b'{"id":null}'), answer(200, b"7")),
        "200 with a body that is not JSON, or half of it": sends(
            answer(200, b""), answer(200, b'{"id":7'), answer(200, b"<html>"), answer(200, b'{"id":7}\xff')
        ),
        "401 or 403": sends(answer(401), answer(403), answer(403, b"")),
        "429": sends(answer(429), answer(429, b"", "Retry-After: 7")),
        "any 5xx": sends(*map(answer, (500, 501, 502, 503, 504, 599))),
        "a redirect": sends(*(answer(n, GOOD, "Location: /users/me") for n in (301, 302, 303, 307, 308))),
        "408, or a status that is no HTTP status": sends(*map(answer, (408, 600, 999))),
        "any other 2xx, 3xx": sends(*map(answer, (201, 202, 206, 300, 304))),
        "any other 4xx": sends(*map(answer, (400, 402, 404, 410, 418, 431))),
        "a body with a Content-Encoding": sends(
            answer(200, gzip.compress(GOOD), "Content-Encoding: gzip"),
            answer(200, gzip.compress(GOOD + b" " * 10_000_000), "Content-Encoding: gzip"),
            answer(200, GOOD, "Content-Encoding: br"),
            answer(403, gzip.compress(b"{}"), "Content-Encoding: gzip"),
        ),
        "a body of more than 64 KiB": sends(
            answer(200, GOOD.ljust(LARGEST_BODY + 1)),
            answer(200, GOOD.ljust(1_000_000)),
            answer(403, b" " * (LARGEST_BODY + 1)),
        ),
        "a head that does not end": sends(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * LARGEST_ANSWER),
        "a connection that closes before the end of the body": [
            Way(write_and_close(answer(200, length=100))),
            Way(write_and_close(answer(403, length=100))),
            Way(
                write_and_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n", GOOD, b"\r\n")
            ),
        ],
        "a connection that closes or breaks before an answer": [
            Way(write_and_close()),
            Way(write_and_close(b"HTTP/1.1 200 OK\r\nContent-")),
            Way(reset),
        ],
        "something that is not HTTP": sends(
            b"SSH-2.0-server\r\n\r\n", b"\x00\x01\r\n\r\n", b"HTTP/1.1 2OO OK\r\n\r\n"
        ),
        "no whole answer within 5 seconds": [
            Way(write(), hangs=True),
            Way(write(b"HTTP/1.1 200 OK\r\n"), hangs=True),
            Way(write(answer(200, length=100)), hangs=True),
            Way(write(answer(403, length=100)), hangs=True),
            Way(write(b"HTTP/1.1 200 OK\r\n\r\n", GOOD), hangs=True),
            Way(write(), https=True, hangs=True),
        ],
        "no connection, or no such host": [Way(listens=False), Way(broken_by=DNSLookupError())],
        "a certificate that has expired": [
            Way(certificate=lambda authority: authority.issue_expired("127.0.0.1"), https=True)
        ],
        "a certificate of an authority that is not trusted": [Way(certificate=elsewhere(test), https=True)],
        "a certificate of another host": [
            Way(certificate=lambda authority: authority.issue("api.example.com"), https=True),
            Way(certificate=lambda authority: authority.issue("127.0.0.2"), https=True),
        ],
        "no TLS where there should be": [Way(https=True)],
    }


@implementer(IAgent)
class CountingAgent:
    """
    An agent that counts its requests.

    :ivar requests: How many there were.
    """

    def __init__(self, agent: IAgent, broken_by: Exception | None) -> None:
        self._agent = agent
        self._broken_by = broken_by
        self.requests = 0

    def request(self, *request: Any) -> Deferred[Any]:  # noqa: ANN401 - IAgent's
        """Make a request."""
        self.requests += 1
        return fail(self._broken_by) if self._broken_by else self._agent.request(*request)


class Play:
    """A checker of tokens, and an API that has one way to behave."""

    def __init__(self, test: TestCase, way: Way) -> None:
        self._test = test
        self._way = way
        self._clock = Clock()

    async def start(self) -> None:
        """Begin."""
        way, authority = self._way, Authority(self._test)
        certificate = way.certificate(authority) if way.certificate else None
        self._server = await serve_raw(self._test, way.does, certificate)
        url = self._server.url if way.listens else f"http://127.0.0.1:{reserve_port(self._test)}"
        url = url.replace("http:", "https:") if way.https and certificate is None else url
        connections = KeptConnections(reactor)
        self._test.addCleanup(connections.stopService)
        trusted = connections.verifying_agent(trustRootFromCertificates([authority.certificate]))
        self._agent = CountingAgent(trusted, way.broken_by)
        self._checker: ITokenChecker = make_token_checks(
            url,
            Judge(),
            key=b"key",
            agent=self._agent,
            random=Random(1),  # noqa: S311 - the same at each run
            timer=self._clock.seconds,
            clock=self._clock,
        ).checker

    async def check(self, tokens: Iterable[str]) -> list[Failure | None]:
        """Return the results of checks that begin together."""
        before = self._agent.requests
        checks = [self._checker.check(USER_ID, token, None) for token in tokens]
        if self._way.hangs:
            for _ in range(self._agent.requests - before):
                await self._server.asked.get()
            pass_time(self._clock, DEADLINE_SECONDS)
        return [result for _, result in await DeferredList(checks, consumeErrors=True)]

    async def conclude(self) -> Row:
        """Return what is concluded."""
        (result,) = await self.check([TOKEN])
        code, temporary = "OK", "-"
        if result is not None:
            assert isinstance(result.value, Refused)
            code, temporary = result.value.code.value, "yes" if result.value.temporary else "no"
        return code, temporary, await self._remembered(), await self._is_failure()

    async def _remembered(self) -> str:
        passed = 0.0
        for seconds in (0.0, 4.9, 5.0, 29.9, 30.0):
            self._clock.advance(seconds - passed)
            passed, before = seconds, self._agent.requests
            await self.check([TOKEN])
            if self._agent.requests > before:
                return f"{seconds:g} s" if seconds else "never"
        return "longer"

    async def _is_failure(self) -> str:
        await self.check(secret(f"{number}") for number in range(LEAST_CALLS))
        before = self._agent.requests
        await self.check([secret("more")])
        return "no" if self._agent.requests > before else "yes"


class TableTests(TestCase):
    timeout = 60

    async def test_every_row(self) -> None:
        """From everything that an API can do the daemon concludes what the document says."""
        concluded: dict[str, set[Row]] = {}
        for name, ways in cases(self).items():
            for way in ways:
                play = Play(self, way)
                await play.start()
                concluded.setdefault(name, set()).add(await play.conclude())
        self.maxDiff = None
        self.assertEqual(concluded, {name: {row} for name, row in rows().items()})
