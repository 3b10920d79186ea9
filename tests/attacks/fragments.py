"""Messages in pieces: too many, too late, in the wrong order, or never all of them."""

from __future__ import annotations

from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.frames import PING_MESSAGE, closed
from tests.websocket.peer import BINARY, PING, PONG, TEXT, frame

attack = Theme("fragments")

TOO_LATE = 1008
"""The code for a message that took too long."""

A_LOT = 12_000
"""How many small frames are more than what is read at once."""

MANY = 40
"""How many connections that do so are enough to keep a daemon busy for seconds, if it looks at them all."""

MORE = 0
"""The opcode of every fragment but the first."""


def fragments(pieces: list[bytes], opcode: int = TEXT) -> list[bytes]:
    """Return the frames of a message in pieces."""
    last = len(pieces) - 1
    return [
        frame(MORE if place else opcode, piece, first=0x80 if place == last else 0)
        for place, piece in enumerate(pieces)
    ]


def shared_out(message: bytes, count: int) -> list[bytes]:
    """Return a message in so many pieces, the last of them empty when there are more than bytes."""
    return [message[place : place + 1] for place in range(count - 1)] + [message[count - 1 :]]


@attack
async def as_many_as_allowed(enemy: Enemy) -> None:
    """A message of 64 fragments is served, and so is the next one."""
    wire = await enemy.enter()
    wire.send(b"".join(fragments(shared_out(PING_MESSAGE, 64)) * 2))
    await wire.hears("OK", "OK")


@attack
async def one_too_many(enemy: Enemy) -> None:
    """One of 65 closes 1009."""
    await closed(enemy, b"".join(fragments(shared_out(PING_MESSAGE, 65))), 1009)


@attack
async def endless_and_empty(enemy: Enemy) -> None:
    """Empty fragments without end close 1009, though they add up to nothing."""
    await closed(enemy, frame(TEXT, b"", first=0) + frame(MORE, b"", first=0) * A_LOT, 1009)


@attack
async def endless_by_one_byte(enemy: Enemy) -> None:
    """So do those of a byte each."""
    await closed(enemy, frame(TEXT, b"[", first=0) + frame(MORE, b"[", first=0) * A_LOT, 1009)


@attack
async def too_large_together(enemy: Enemy) -> None:
    """Fragments that are small each and too large together close 1009."""
    await closed(enemy, b"".join(fragments([b" " * 10_000] * 10)), 1009)


@attack
async def announced_too_large_together(enemy: Enemy) -> None:
    """So does a last one that is only announced."""
    half = enemy.settings.max_message_bytes // 2 + 1
    await closed(enemy, b"".join(fragments([b" " * half] * 2))[: half + 100], 1009)


@attack
async def never_ending(enemy: Enemy) -> None:
    """A message that is begun and never goes on ends the connection."""
    wire = await enemy.enter()
    wire.send(frame(TEXT, b"{", first=0))
    await wire.closes(TOO_LATE)


@attack
async def never_ending_of_nobody(enemy: Enemy) -> None:
    """So does one of nobody."""
    wire = await enemy.open()
    wire.send(frame(TEXT, b"{", first=0))
    await wire.closes(4508, TOO_LATE)


@attack
async def never_ending_beside_good_ones(enemy: Enemy) -> None:
    """Pings in between do not put off the end of a message that is never ended."""
    wire = await enemy.enter()
    wire.send(frame(TEXT, b"{", first=0))
    while enemy.arena.holds(wire):
        wire.send(frame(PING, b"") + frame(PONG, b""))
        await enemy.pause(0.2)
    await wire.closes(TOO_LATE)


@attack
async def dripping(enemy: Enemy) -> None:
    """Nor do fragments that keep coming."""
    wire = await enemy.enter()
    wire.send(frame(TEXT, b"", first=0))
    while enemy.arena.holds(wire):
        wire.send(frame(MORE, b" ", first=0))
        await enemy.pause(0.2)
    await wire.closes(TOO_LATE)


@attack
async def announced_and_not_sent(enemy: Enemy) -> None:
    """A frame whose bytes never come ends the connection."""
    wire = await enemy.enter()
    wire.begin(frame(TEXT, bytes(1000))[:6])
    await wire.closes(TOO_LATE)


@attack
async def announced_and_dripped(enemy: Enemy) -> None:
    """So does one whose bytes come one by one."""
    wire = await enemy.enter()
    wire.begin(frame(TEXT, bytes(1000))[:6])
    await enemy.drip(wire, bytes(100))
    await wire.closes(TOO_LATE)


@attack
async def half_a_header(enemy: Enemy) -> None:
    """So does half a header."""
    wire = await enemy.enter()
    wire.begin(b"\x81")
    await wire.closes(TOO_LATE)


@attack
async def header_byte_by_byte(enemy: Enemy) -> None:
    """So does a header that comes byte by byte."""
    wire = await enemy.enter()
    await enemy.drip(wire, frame(TEXT, bytes(65_000))[:14], pause_seconds=0.4)
    await wire.closes(TOO_LATE)


@attack
async def ping_begun_and_not_ended(enemy: Enemy) -> None:
    """So does half a ping."""
    wire = await enemy.enter()
    wire.begin(frame(PING, bytes(100))[:50])
    await wire.closes(TOO_LATE)


@attack
async def continued_without_a_beginning(enemy: Enemy) -> None:
    """A fragment that continues nothing closes 1002."""
    await closed(enemy, frame(MORE, PING_MESSAGE), 1002)


@attack
async def continued_after_the_end(enemy: Enemy) -> None:
    """So does one that continues what has ended."""
    await closed(enemy, b"".join(fragments([PING_MESSAGE, b""])) + frame(MORE, b""), 1002)


@attack
async def message_in_a_message(enemy: Enemy) -> None:
    """A message that begins in the middle of another closes 1002."""
    await closed(enemy, frame(TEXT, b"{", first=0) + frame(TEXT, PING_MESSAGE), 1002)


@attack
async def binary_in_a_text(enemy: Enemy) -> None:
    """So does a binary one."""
    await closed(enemy, frame(TEXT, b"{", first=0) + frame(BINARY, b"x", first=0), 1002)


@attack
async def binary_in_fragments(enemy: Enemy) -> None:
    """A binary message in fragments closes 1003."""
    await closed(enemy, b"".join(fragments([b"x"] * 10, BINARY)), 1003)


@attack
async def pings_between_fragments(enemy: Enemy) -> None:
    """Pings between fragments are answered, and the message is served."""
    wire = await enemy.enter()
    wire.send(frame(PING, b"p").join(fragments(shared_out(PING_MESSAGE, 20))))
    heard = {(await wire.frame())[0] for _ in range(20)}
    assert PONG in heard
    await wire.is_served()


@attack
async def character_cut_in_pieces(enemy: Enemy) -> None:
    """A character in several fragments is as good as in one."""
    wire = await enemy.enter()
    message = '{"type":"PING","ref":"\N{SNOWMAN}"}'.encode()
    wire.send(b"".join(fragments(shared_out(message, len(message)))))
    assert (await wire.reply())["ref"] == "\N{SNOWMAN}"


@attack
async def broken_character_in_pieces(enemy: Enemy) -> None:
    """A broken character closes 1007 as soon as it is broken."""
    await closed(enemy, b"".join(fragments([b'"\xf0', b"\x9f", b"x", b'"'])[:3]), 1007)


@attack
async def many_small_messages_in_pieces(enemy: Enemy) -> None:
    """Many messages in many fragments each are served, as long as they are not too many."""
    wire = await enemy.enter()
    wire.send(b"".join(fragments(shared_out(PING_MESSAGE, 40)) * 20))
    await wire.hears(*["OK"] * 20)
