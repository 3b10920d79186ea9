"""Ends without a close frame, and close frames that are not answered."""

from __future__ import annotations

from tests.attacks.accounts import HANGING, SLOW, token
from tests.attacks.attack import Theme
from tests.attacks.closes import GOING, checking
from tests.attacks.enemy import Enemy
from tests.websocket.peer import BINARY, PING, TEXT, frame

attack = Theme("leaving")


@attack
async def reset_while_checked(enemy: Enemy) -> None:
    """Nor was who vanishes meanwhile."""
    wire = await checking(enemy, SLOW)
    wire.reset()
    await enemy.pause(0.5)
    assert not enemy.was_seen()


@attack
async def vanish_behind_hello(enemy: Enemy) -> None:
    """Who vanishes right behind HELLO leaves nothing."""
    wire = await enemy.open()
    wire.say({"type": "HELLO", "userid": enemy.user, "accesstoken": token(enemy.user)})
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def never_decided(enemy: Enemy) -> None:
    """A HELLO that the account API never decides ends with its connection."""
    wire = await checking(enemy, HANGING)
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def reset_when_connected(enemy: Enemy) -> None:
    """A RST before anything was said is the end."""
    wire = await enemy.connect()
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def reset_before_hello(enemy: Enemy) -> None:
    """So is one before HELLO."""
    wire = await enemy.open()
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def reset_when_online(enemy: Enemy) -> None:
    """So is one of a user with a subscription."""
    wire = await enemy.enter()
    await wire.ask("subscribeOnlineStatus")
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def reset_in_a_frame(enemy: Enemy) -> None:
    """So is one in the middle of a frame."""
    wire = await enemy.enter()
    wire.send(frame(TEXT, bytes(1000))[:500])
    await enemy.pause(0.05)
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def reset_with_a_full_queue(enemy: Enemy) -> None:
    """So is one of who has not read what waits for it."""
    wire = await enemy.enter()
    wire.stop_reading()
    wire.say(*[{"type": "sendMessageToUser", "id": enemy.user, "message": "x" * 20_000}] * 40)
    await enemy.pause(0.2)
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def reset_while_closing(enemy: Enemy) -> None:
    """So is one of who was told to close."""
    wire = await enemy.enter()
    wire.send(frame(BINARY, b""))
    await wire.closes(1003)
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def fin_and_silence(enemy: Enemy) -> None:
    """A FIN is an end, also when the other half stays open."""
    for wire in (await enemy.connect(), await enemy.open(), await enemy.enter()):
        wire.half_close()
        await enemy.is_freed(wire)


@attack
async def fin_behind_requests(enemy: Enemy) -> None:
    """Requests with a FIN behind them harm nobody."""
    wire = await enemy.enter()
    wire.say(*[{"type": "getAllOnline"}] * 50)
    wire.half_close()
    await enemy.is_freed(wire)


@attack
async def never_answers_a_close(enemy: Enemy) -> None:
    """Who is told to close and does not is dropped."""
    wire = await enemy.enter()
    wire.send(frame(BINARY, b""))
    await wire.closes(1003)
    await wire.ends()


@attack
async def floods_after_being_closed(enemy: Enemy) -> None:
    """So is who goes on sending, and no part of it is served."""
    wire = await enemy.enter()
    wire.send(frame(BINARY, b""))
    await wire.closes(1003)
    while enemy.arena.holds(wire):
        wire.say(*[{"type": "sendMessageToUser", "id": 1, "message": {"iam": "late"}}] * 10)
        wire.send(frame(PING, b"") * 100)
        await enemy.pause(0.02)
    await wire.ends()


@attack
async def drips_after_being_closed(enemy: Enemy) -> None:
    """So is who sends its close frame byte by byte."""
    wire = await enemy.enter()
    wire.send(frame(BINARY, b""))
    await wire.closes(1003)
    await enemy.drip(wire, GOING)
    await wire.ends()


@attack
async def closes_and_never_reads(enemy: Enemy) -> None:
    """So is who closes and does not read the answer."""
    wire = await enemy.enter()
    wire.stop_reading()
    wire.send(GOING)
    await enemy.is_freed(wire)
