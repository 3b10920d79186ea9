"""Opening handshakes that are too long, too slow, no HTTP, or not all that comes."""

from __future__ import annotations

from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.saying import shake, text
from tests.attacks.wire import Wire

attack = Theme("handshakes")


async def refused(enemy: Enemy, request: bytes, *statuses: int) -> bytes:
    """Assert that a handshake is refused; return the head of the answer."""
    wire = await enemy.connect()
    wire.send(request)
    return await wire.refused(*statuses)


async def dropped(enemy: Enemy, *pieces: bytes) -> Wire:
    """Assert that a handshake ends without an answer."""
    wire = await enemy.connect()
    for piece in pieces:
        wire.send(piece)
    head = await wire.rest()
    assert head == b"", f"it was answered with {head!r}"
    return wire


# Too long


@attack
async def one_long_header(enemy: Enemy) -> None:
    """A header of 20 kB ends the connection."""
    await dropped(enemy, shake("X: " + "x" * 20_000))


@attack
async def thousands_of_headers(enemy: Enemy) -> None:
    """So do thousands of small ones."""
    await dropped(enemy, shake(*[f"X-{number}: x" for number in range(3000)]))


@attack
async def long_first_line(enemy: Enemy) -> None:
    """So does an address without end."""
    await dropped(enemy, b"GET /" + b"a" * 100_000)


@attack
async def twenty_megabytes(enemy: Enemy) -> None:
    """A handshake of 20 MB is not read to its end."""
    await dropped(enemy, b"GET / HTTP/1.1\r\nX: ", *[b"x" * 2**20] * 20)


@attack
async def long_in_pieces(enemy: Enemy) -> None:
    """A long handshake in small pieces ends like one in a piece."""
    wire = await enemy.connect()
    wire.send(b"GET / HTTP/1.1\r\n")
    for number in range(200):
        wire.send(b"X-%d: %s\r\n" % (number, b"x" * 50))
        await enemy.pause(0)
    assert await wire.rest() == b""


@attack
async def nothing_but_line_ends(enemy: Enemy) -> None:
    """Line feeds without end are a long handshake too."""
    await dropped(enemy, b"\n" * 100_000)


# Too slow


@attack
async def nothing_said(enemy: Enemy) -> None:
    """Who connects and says nothing is dropped."""
    await dropped(enemy)


@attack
async def half_a_line(enemy: Enemy) -> None:
    """So is who stops in the middle of the first line."""
    await dropped(enemy, b"GET / HT")


@attack
async def frames_instead(enemy: Enemy) -> None:
    """Frames without a handshake are dropped."""
    await dropped(enemy, text({"type": "PING"}))


@attack
async def last_line_missing(enemy: Enemy) -> None:
    """So is who stops before the end of the last header."""
    await dropped(enemy, shake()[:-1])


@attack
async def byte_by_byte(enemy: Enemy) -> None:
    """Bytes that keep coming do not put off the end of the time for a handshake."""
    wire = await enemy.connect()
    await enemy.drip(wire, shake())
    assert await wire.rest() == b""


@attack
async def header_by_header(enemy: Enemy) -> None:
    """Nor do headers that keep coming."""
    wire = await enemy.connect()
    wire.send(b"GET / HTTP/1.1\r\n")
    while enemy.arena.holds(wire):
        wire.send(b"X: y\r\n")
        await enemy.pause(0.2)
    assert await wire.rest() == b""


@attack
async def bare_line_feeds(enemy: Enemy) -> None:
    """Lines that end in a line feed alone are the beginning of a handshake, and never its end."""
    await dropped(enemy, shake().replace(b"\r\n", b"\n"))


@attack
async def in_pieces(enemy: Enemy) -> None:
    """A good handshake may come in many pieces."""
    wire, request = await enemy.connect(), shake()
    for start in range(0, len(request), 9):
        wire.send(request[start : start + 9])
        await enemy.pause(0)
    assert (await wire.response())[0] == 101
    await wire.is_served()


# Not even HTTP


@attack
async def random_bytes(enemy: Enemy) -> None:
    """Bytes that mean nothing are refused."""
    await refused(enemy, bytes(range(256)) + b"\r\n\r\n", 400)


@attack
async def null_bytes(enemy: Enemy) -> None:
    """So are zeros."""
    await refused(enemy, bytes(1000) + b"\r\n\r\n", 400)


@attack
async def only_a_blank_line(enemy: Enemy) -> None:
    """So is a blank line."""
    await refused(enemy, b"\r\n\r\n", 400)


@attack
async def http2_preface(enemy: Enemy) -> None:
    """So is HTTP/2 without an upgrade."""
    await refused(enemy, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 405, 505)


@attack
async def http_09(enemy: Enemy) -> None:
    """So is a request without a version."""
    await refused(enemy, b"GET /\r\n\r\n", 400)


@attack
async def http_10(enemy: Enemy) -> None:
    """So is HTTP/1.0."""
    await refused(enemy, shake(line="GET / HTTP/1.0"), 400, 505)


@attack
async def http_of_huge_version(enemy: Enemy) -> None:
    """So is a version of a thousand digits."""
    await refused(enemy, shake(line=f"GET / HTTP/{'9' * 1000}"), 400, 505)


@attack
async def first_line_of_many_words(enemy: Enemy) -> None:
    """So is a first line of more than three words."""
    await refused(enemy, shake(line="GET / / / HTTP/1.1"), 400)


@attack
async def proxy_header(enemy: Enemy) -> None:
    """Who names another address in front of the handshake, as proxies do, is refused."""
    await refused(enemy, b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + shake(), 400, 405)


@attack
async def stratum_and_redis(enemy: Enemy) -> None:
    """The first words of other protocols end in a refusal too."""
    for words in (
        b"*1\r\n$4\r\nPING\r\n\r\n",
        b'{"method":"mining.subscribe"}\r\n\r\n',
        b"SSH-2.0-x\r\n\r\n",
    ):
        await refused(enemy, words, 400, 405, 505)


# More than a handshake


@attack
async def second_request(enemy: Enemy) -> None:
    """A second request behind the first is no frame."""
    wire = await enemy.connect()
    wire.send(shake() + shake())
    assert (await wire.response())[0] == 101
    await wire.closes(1002)


@attack
async def body_by_length(enemy: Enemy) -> None:
    """A body is no frame either, so no request can hide in it."""
    body = b"GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n"
    wire = await enemy.connect()
    wire.send(shake(f"Content-Length: {len(body)}") + body)
    status, _ = await wire.response()
    if status == 101:
        await wire.closes(1002)


@attack
async def body_in_chunks(enemy: Enemy) -> None:
    """Nor is one in chunks."""
    wire = await enemy.connect()
    wire.send(shake("Transfer-Encoding: chunked", "Content-Length: 5") + b"5\r\nhello\r\n0\r\n\r\n")
    status, _ = await wire.response()
    if status == 101:
        await wire.closes(1002)


@attack
async def frames_before_the_answer(enemy: Enemy) -> None:
    """Frames right behind the handshake are served, in their order, when they are good ones."""
    wire = await enemy.connect()
    wire.send(shake() + text({"type": "PING"}) + text({"type": "GOODBYE"}))
    assert (await wire.response())[0] == 101
    await wire.hears("OK", "not_identified")


@attack
async def leaves_in_the_middle(enemy: Enemy) -> None:
    """Who leaves in the middle of the handshake is forgotten, by FIN or by RST."""
    for leave in (Wire.half_close, Wire.reset):
        wire = await enemy.connect()
        wire.send(shake()[:50])
        leave(wire)
        await enemy.is_freed(wire)


@attack
async def leaves_before_the_answer(enemy: Enemy) -> None:
    """So is who leaves behind the handshake."""
    for leave in (Wire.half_close, Wire.reset):
        wire = await enemy.connect()
        wire.send(shake())
        leave(wire)
        await enemy.is_freed(wire)


@attack
async def refused_and_stays(enemy: Enemy) -> None:
    """Who was refused and does not close, nor read, is dropped."""
    wire = await enemy.connect()
    wire.stop_reading()
    wire.send(shake(line="BREW / HTTP/1.1"))
    await enemy.is_freed(wire)
