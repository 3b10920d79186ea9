"""Frames that break the rules of RFC 6455, or use them up."""

from __future__ import annotations

import struct

from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.saying import text
from tests.websocket.peer import BINARY, CLOSE, PING, TEXT, frame

attack = Theme("frames")

MASKED = 0x80
MASK = bytes(4)
PING_MESSAGE = b'{"type":"PING"}'


async def closed(enemy: Enemy, data: bytes, *codes: int | None) -> None:
    """Assert that what a user sends closes the connection."""
    wire = await enemy.enter()
    wire.send(data)
    await wire.closes(*codes)


@attack
async def reserved_bit_1(enemy: Enemy) -> None:
    """A frame with the bit of a compression that was not agreed on closes 1002."""
    await closed(enemy, frame(TEXT, PING_MESSAGE, first=0xC0), 1002)


@attack
async def reserved_bit_2(enemy: Enemy) -> None:
    """So does one with the second reserved bit."""
    await closed(enemy, frame(TEXT, PING_MESSAGE, first=0xA0), 1002)


@attack
async def reserved_bit_3(enemy: Enemy) -> None:
    """So does one with the third."""
    await closed(enemy, frame(TEXT, PING_MESSAGE, first=0x90), 1002)


@attack
async def reserved_bits_of_a_ping(enemy: Enemy) -> None:
    """So does a ping with all of them."""
    await closed(enemy, frame(PING, b"", first=0xF0), 1002)


@attack
async def compressed_bomb(enemy: Enemy) -> None:
    """A compressed frame of a client that offered compression is refused, or is no bomb."""
    wire = await enemy.open("Sec-WebSocket-Extensions: permessage-deflate")
    bomb = b"\xec\xc1\x01\x01" + bytes(60_000)
    wire.send(frame(TEXT, bomb, first=0xC0))
    await wire.closes(1002, 1007, 1009)


@attack
async def reserved_opcodes_of_data(enemy: Enemy) -> None:
    """Opcodes of data that mean nothing yet close 1002."""
    for opcode in range(3, 8):
        await closed(enemy, frame(opcode, b"x"), 1002)


@attack
async def reserved_opcodes_of_control(enemy: Enemy) -> None:
    """So do those of control frames."""
    for opcode in range(11, 16):
        await closed(enemy, frame(opcode, b"x"), 1002)


@attack
async def unmasked(enemy: Enemy) -> None:
    """A frame that is not masked closes 1002."""
    await closed(enemy, b"\x81" + bytes([len(PING_MESSAGE)]) + PING_MESSAGE, 1002)


@attack
async def unmasked_before_hello(enemy: Enemy) -> None:
    """Also one of nobody."""
    wire = await enemy.open()
    wire.send(b"\x81\x02{}")
    await wire.closes(1002)


@attack
async def unmasked_ping(enemy: Enemy) -> None:
    """Also a ping."""
    await closed(enemy, b"\x89\x00", 1002)


@attack
async def one_byte_too_large(enemy: Enemy) -> None:
    """A message of one byte more than is allowed closes 1009."""
    await closed(enemy, frame(TEXT, b" " * (enemy.settings.max_message_bytes + 1)), 1009)


@attack
async def as_large_as_allowed(enemy: Enemy) -> None:
    """A message of just the size that is allowed is served."""
    wire = await enemy.enter()
    wire.send(frame(TEXT, PING_MESSAGE.ljust(enemy.settings.max_message_bytes)))
    await wire.hears("OK")


@attack
async def ten_megabytes(enemy: Enemy) -> None:
    """A frame of 10 MB closes 1009 before it has come."""
    await closed(enemy, frame(TEXT, b" " * 10 * 2**20), 1009)


@attack
async def exabytes_announced(enemy: Enemy) -> None:
    """A length of 2^63 - 1 closes 1009, and no memory is taken for it."""
    await closed(enemy, struct.pack("!BBQ", 0x81, MASKED | 127, 2**63 - 1) + MASK, 1009)


@attack
async def length_of_64_bits(enemy: Enemy) -> None:
    """A length of 2^63 and more is none, and closes 1002."""
    await closed(enemy, struct.pack("!BBQ", 0x81, MASKED | 127, 2**63) + MASK, 1002)


@attack
async def all_bits_of_a_length(enemy: Enemy) -> None:
    """So is one of all bits."""
    await closed(enemy, struct.pack("!BBQ", 0x81, MASKED | 127, 2**64 - 1) + MASK, 1002)


@attack
async def length_in_two_bytes_too_many(enemy: Enemy) -> None:
    """A small length in the form for a large one closes 1002."""
    await closed(enemy, struct.pack("!BBH", 0x81, MASKED | 126, 15) + MASK + PING_MESSAGE, 1002)


@attack
async def length_in_eight_bytes_too_many(enemy: Enemy) -> None:
    """So does one in the form for a huge one."""
    await closed(enemy, struct.pack("!BBQ", 0x81, MASKED | 127, 15) + MASK + PING_MESSAGE, 1002)


@attack
async def fragmented_ping(enemy: Enemy) -> None:
    """A ping in fragments closes 1002."""
    await closed(enemy, frame(PING, b"x", first=0), 1002)


@attack
async def fragmented_close(enemy: Enemy) -> None:
    """So does a close frame in fragments."""
    await closed(enemy, frame(CLOSE, b"\x03\xe8", first=0), 1002)


@attack
async def long_ping(enemy: Enemy) -> None:
    """So does a ping of more than 125 bytes."""
    await closed(enemy, frame(PING, bytes(126)), 1002)


@attack
async def huge_ping(enemy: Enemy) -> None:
    """So does one of 100 kB."""
    await closed(enemy, frame(PING, bytes(100_000)), 1002)


@attack
async def binary(enemy: Enemy) -> None:
    """A binary frame closes 1003."""
    await closed(enemy, frame(BINARY, PING_MESSAGE), 1003)


@attack
async def empty_binary(enemy: Enemy) -> None:
    """So does an empty one."""
    await closed(enemy, frame(BINARY, b""), 1003)


@attack
async def binary_before_hello(enemy: Enemy) -> None:
    """So does one of nobody."""
    wire = await enemy.open()
    wire.send(frame(BINARY, bytes(60_000)))
    await wire.closes(1003)


@attack
async def two_faults_at_once(enemy: Enemy) -> None:
    """Of two faults in one segment the first counts."""
    await closed(enemy, frame(BINARY, b"x") + frame(3, b"x") + frame(TEXT, b"\xff"), 1003)


@attack
async def empty_texts(enemy: Enemy) -> None:
    """Empty text frames are bad messages, and ten of them close 4400."""
    wire = await enemy.enter()
    wire.say(*[b""] * 12)
    await wire.hears(*["bad_json"] * 10)
    await wire.closes(4400)


@attack
async def broken_utf8(enemy: Enemy) -> None:
    """A text that is no UTF-8 closes 1007."""
    await closed(enemy, text(b'{"type":"\xff"}'), 1007)


@attack
async def overlong_utf8(enemy: Enemy) -> None:
    """So does one with a character in more bytes than it needs."""
    await closed(enemy, text(b'{"type":"\xc0\xaf"}'), 1007)


@attack
async def surrogate_in_utf8(enemy: Enemy) -> None:
    """So does one with half of a pair of surrogates."""
    await closed(enemy, text(b'{"type":"\xed\xa0\x80"}'), 1007)


@attack
async def text_that_ends_too_early(enemy: Enemy) -> None:
    """So does one that ends in the middle of a character."""
    await closed(enemy, text(b'"\xf0\x9f\x92'), 1007)


@attack
async def masked_with_more_than_zeros(enemy: Enemy) -> None:
    """Any mask will do, also one that makes the bytes look like a request to a proxy."""
    wire = await enemy.enter()
    said = b"GET / HTTP/1.1\n"
    mask = bytes(one ^ other for one, other in zip(said, PING_MESSAGE, strict=True))[:4]
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(PING_MESSAGE))
    wire.send(bytes([0x81, MASKED | len(masked)]) + mask + masked)
    await wire.hears("OK")
