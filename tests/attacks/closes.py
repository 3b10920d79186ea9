"""Ends that race with something, or never come to an end."""

from __future__ import annotations

from tests.attacks.accounts import HANGING, SLOW, token
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.frames import closed
from tests.attacks.saying import shake, text
from tests.attacks.wire import Wire
from tests.websocket.peer import CLOSE, TEXT, frame

attack = Theme("closes")

GOING = frame(CLOSE, b"\x03\xe8")


@attack
async def data_after_close(enemy: Enemy) -> None:
    """What comes behind a close frame is not served."""
    wire, friend = await enemy.enter(), await enemy.enter()
    sent = text({"type": "sendMessageToUser", "id": enemy.user, "message": "late"})
    wire.send(GOING + sent)
    await wire.closes(1000)
    await enemy.is_freed(wire)
    assert all(message["type"] != "message" for message in await friend.until_served())


@attack
async def close_twice(enemy: Enemy) -> None:
    """Who closes twice is closed once."""
    await closed(enemy, GOING * 2, 1000)


@attack
async def close_a_thousand_times(enemy: Enemy) -> None:
    """Who closes a thousand times too."""
    await closed(enemy, GOING * 1000, 1000)


@attack
async def close_without_code(enemy: Enemy) -> None:
    """A close frame without a code is answered by one."""
    await closed(enemy, frame(CLOSE, b""), 1000, 1005)


@attack
async def half_a_code(enemy: Enemy) -> None:
    """Half a code closes 1002."""
    await closed(enemy, frame(CLOSE, b"\x03"), 1002)


@attack
async def forbidden_codes(enemy: Enemy) -> None:
    """Codes that no close frame may have close 1002."""
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535):
        await closed(enemy, frame(CLOSE, code.to_bytes(2)), 1002)


@attack
async def codes_of_the_daemon(enemy: Enemy) -> None:
    """The daemon's own codes from a client mean nothing but farewell."""
    for code in (4401, 4409, 4529):
        wire = await enemy.enter()
        wire.send(frame(CLOSE, code.to_bytes(2)))
        await wire.closes(code, 1000)


@attack
async def broken_reason(enemy: Enemy) -> None:
    """A reason that is no UTF-8 closes 1007."""
    await closed(enemy, frame(CLOSE, b"\x03\xe8\xff\xfe"), 1002, 1007)


@attack
async def reason_cut_in_a_character(enemy: Enemy) -> None:
    """So does one that ends in the middle of a character."""
    await closed(enemy, frame(CLOSE, b"\x03\xe8\xf0\x9f"), 1002, 1007)


@attack
async def reason_too_long(enemy: Enemy) -> None:
    """A close frame of more than 125 bytes closes 1002."""
    await closed(enemy, frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002)


@attack
async def close_frame_unmasked(enemy: Enemy) -> None:
    """A close frame that is not masked closes 1002."""
    await closed(enemy, b"\x88\x02\x03\xe8", 1002)


@attack
async def close_in_a_message(enemy: Enemy) -> None:
    """A close frame in the middle of a message is obeyed."""
    await closed(enemy, frame(TEXT, b"{", first=0) + GOING, 1000)


@attack
async def close_before_hello(enemy: Enemy) -> None:
    """Who closes before HELLO is let go."""
    wire = await enemy.open()
    wire.send(GOING)
    await wire.closes(1000)
    await enemy.is_freed(wire)


async def checking(enemy: Enemy, kind: str) -> Wire:
    """Return a connection whose HELLO is being checked."""
    wire = await enemy.open()
    wire.say({"type": "HELLO", "userid": enemy.user, "accesstoken": token(enemy.user, kind)})
    await wire.is_served()
    return wire


@attack
async def close_while_checked(enemy: Enemy) -> None:
    """Who closes while its HELLO is checked was never online."""
    wire = await checking(enemy, SLOW)
    wire.send(GOING)
    await wire.closes(1000)
    await enemy.pause(0.5)
    assert not enemy.was_seen()


@attack
async def farewell_behind_hello(enemy: Enemy) -> None:
    """Nor does who closes in the same segment."""
    wire = await enemy.open()
    hello = {"type": "HELLO", "userid": enemy.user, "accesstoken": token(enemy.user)}
    wire.send(text(hello) + GOING)
    await wire.closes(1000)
    await enemy.is_freed(wire)


@attack
async def all_at_once(enemy: Enemy) -> None:
    """Nor does a whole life in one segment, handshake and all."""
    wire = await enemy.connect()
    hello = {"type": "HELLO", "userid": enemy.user, "accesstoken": token(enemy.user)}
    wire.send(shake() + text(hello) + text({"type": "subscribeOnlineStatus"}) + GOING)
    await wire.response()
    await wire.closes(1000)
    await enemy.is_freed(wire)


@attack
async def goodbye_and_close_while_checked(enemy: Enemy) -> None:
    """Neither GOODBYE nor the close behind it is late while a token is checked."""
    wire = await checking(enemy, HANGING)
    wire.send(text({"type": "GOODBYE"}) + GOING)
    await wire.hears("cancelled", "OK")
    await wire.closes(1000)


@attack
async def closes_with_a_full_queue(enemy: Enemy) -> None:
    """So is who closes and has not read what waits for it."""
    wire = await enemy.enter()
    wire.shrink()
    wire.stop_reading()
    wire.say(*[{"type": "sendMessageToUser", "id": enemy.user, "message": "x" * 60_000}] * 60)
    wire.send(GOING)
    await enemy.is_freed(wire)
