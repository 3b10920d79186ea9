"""Connections to the port for TLS that are not quite TLS, and to the other port that are."""

from __future__ import annotations

import ssl

from tests.attacks.arena import PLAIN, TLS
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.saying import shake

attack = Theme("encryption", frozenset({TLS}))
attack_plain = Theme("encryption", frozenset({PLAIN}))

ALERT = 0x15
"""The first byte of what TLS says to a client that it does not like."""


def client_hello(*protocols: str) -> bytes:
    """Return what a client of TLS says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if protocols:
        context.set_alpn_protocols(protocols)
    said = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), said, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return said.read()
    raise AssertionError("the handshake ended without an answer")


async def turned_away(enemy: Enemy, data: bytes) -> None:
    """Assert that who says this to the port gets an alert or nothing, and is dropped."""
    wire = await enemy.connect_tcp()
    wire.send(data)
    assert (await wire.rest())[:1] in {b"", bytes([ALERT])}


@attack
async def nothing(enemy: Enemy) -> None:
    """Who never begins TLS is dropped."""
    await turned_away(enemy, b"")


@attack
async def plain_handshake(enemy: Enemy) -> None:
    """Who speaks WebSocket without TLS is turned away."""
    await turned_away(enemy, shake())


@attack
async def garbage(enemy: Enemy) -> None:
    """So is who says random bytes."""
    await turned_away(enemy, bytes(range(255, 0, -1)) * 100)


@attack
async def zeros(enemy: Enemy) -> None:
    """So is who says a megabyte of zeros."""
    await turned_away(enemy, bytes(2**20))


@attack
async def endless_record(enemy: Enemy) -> None:
    """So is who begins a record and stops."""
    await turned_away(enemy, b"\x16\x03\x01\x40\x00")


@attack
async def record_too_long(enemy: Enemy) -> None:
    """So is who begins a record that is longer than records are."""
    await turned_away(enemy, b"\x16\x03\x01\xff\xff" + bytes(70_000))


@attack
async def version_of_1996(enemy: Enemy) -> None:
    """So is who speaks SSL 3."""
    await turned_away(
        enemy, client_hello().replace(b"\x03\x03", b"\x03\x00").replace(b"\x03\x01", b"\x03\x00")
    )


@attack
async def ssl_2(enemy: Enemy) -> None:
    """So is who speaks SSL 2."""
    await turned_away(enemy, b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(40))


@attack
async def half_a_handshake(enemy: Enemy) -> None:
    """Who begins TLS and does not end it is dropped; what it was answered is no use to it."""
    wire = await enemy.connect_tcp()
    wire.send(client_hello())
    assert len(await wire.rest()) > 0


@attack
async def half_a_hello(enemy: Enemy) -> None:
    """So is who does not even begin it quite."""
    await turned_away(enemy, client_hello()[:-20])


@attack
async def hello_byte_by_byte(enemy: Enemy) -> None:
    """So is who begins it byte by byte."""
    wire = await enemy.connect_tcp()
    await enemy.drip(wire, client_hello())
    await wire.rest()


@attack
async def same_hello_again_and_again(enemy: Enemy) -> None:
    """So is who says the same again instead of going on."""
    wire = await enemy.connect_tcp()
    wire.send(client_hello() * 50)
    await wire.rest()


@attack
async def other_protocols(enemy: Enemy) -> None:
    """Who offers only protocols that are not spoken is dropped, with or without an answer."""
    wire = await enemy.connect_tcp()
    wire.send(client_hello("h2", "spdy/3.1"))
    await wire.rest()


@attack
async def garbage_inside(enemy: Enemy) -> None:
    """Bytes that are no TLS in an open connection end it."""
    wire = await enemy.enter()
    wire.tcp.write(b"\x17\x03\x03\x00\x20" + bytes(32))
    await wire.closes(None)


@attack
async def plain_bytes_inside(enemy: Enemy) -> None:
    """So do bytes that are not encrypted."""
    wire = await enemy.enter()
    wire.tcp.write(b"\x81\x80\0\0\0\0")
    await wire.closes(None)


@attack
async def ends_below_tls(enemy: Enemy) -> None:
    """A FIN without the farewell of TLS ends the connection."""
    wire = await enemy.enter()
    wire.half_close()
    await enemy.is_freed(wire)


@attack
async def farewell_and_silence(enemy: Enemy) -> None:
    """So does the farewell of TLS without a FIN."""
    wire = await enemy.enter()
    wire.bid_farewell()
    await enemy.is_freed(wire)


@attack_plain
async def tls_to_the_plain_port(enemy: Enemy) -> None:
    """Who speaks TLS where there is none is dropped."""
    wire = await enemy.connect()
    wire.send(client_hello())
    assert await wire.rest() == b""
