"""Pings and pongs: many, unasked, or none."""

from __future__ import annotations

from tests.attacks.accounts import token
from tests.attacks.arena import PLAIN
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.fragments import A_LOT, MANY
from tests.attacks.wire import TOO_MANY
from tests.websocket.peer import PING, PONG, TEXT, frame

attack = Theme("pings")
attack_alone = Theme("pings", frozenset({PLAIN}), alone=True)


@attack
async def flood(enemy: Enemy) -> None:
    """Thousands of pings whose answers are read do not keep the daemon from the others."""
    wire = await enemy.enter()
    wire.send(frame(PING, b"x" * 100) * 2000)
    await wire.is_served_or_closed()


@attack
async def flood_of_empty_ones(enemy: Enemy) -> None:
    """Nor do more of the smallest ones than are read at once."""
    wire = await enemy.enter()
    wire.send(frame(PING, b"") * A_LOT)
    await wire.is_served_or_closed()


@attack_alone
async def flood_from_many(enemy: Enemy) -> None:
    """Nor do those of many at once, who do not even say who they are."""
    for wire in await enemy.several(MANY, enemy.open):
        wire.send(frame(PING, b"") * A_LOT)
    for wire in enemy.wires:
        await wire.closes(4508, *TOO_MANY)


@attack
async def flood_by_nobody(enemy: Enemy) -> None:
    """Nor do those of nobody."""
    wire = await enemy.open()
    wire.send(frame(PING, b"x") * 2000)
    await wire.is_served_or_closed()


@attack
async def flood_and_never_read(enemy: Enemy) -> None:
    """Pongs do not pile up for one who reads none, and who is dropped."""
    wire = await enemy.enter()
    wire.shrink()
    wire.stop_reading()
    while enemy.arena.holds(wire):
        wire.send(frame(PING, b"x" * 125) * 100)
        await enemy.pause(0.05)


@attack
async def unread_and_read_later(enemy: Enemy) -> None:
    """Who pings while it does not read, and then does, gets one pong, for the last ping."""
    wire = await enemy.enter(broadcast=False)
    await enemy.block(wire)
    wire.send(frame(PING, b"x") * 100 + frame(PING, b"last"))
    await enemy.pause(0.3)
    wire.read_on()
    while (heard := await wire.frame())[0] != PONG:
        pass
    assert heard == (PONG, b"last"), f"{heard} was the first pong"


@attack
async def flood_and_leave(enemy: Enemy) -> None:
    """Thousands of pings of one who does not wait for the pongs are forgotten with it."""
    wire = await enemy.enter()
    wire.send(frame(PING, b"x" * 125) * 2000)
    await enemy.pause(0)
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def pongs_unasked(enemy: Enemy) -> None:
    """Pongs that nobody asked for are nothing."""
    wire = await enemy.enter()
    wire.send(frame(PONG, b"unasked") * 5000)
    await wire.is_served_or_closed()


@attack
async def pongs_of_other_pings(enemy: Enemy) -> None:
    """A pong with other bytes than the ping is a sign of life like any other."""
    wire = await enemy.enter()
    wire.answers_pings = False
    for _ in range(18):
        wire.send(frame(PONG, b"other"))
        await enemy.pause(0.2)
    await wire.is_served()


@attack
async def no_pongs_but_requests(enemy: Enemy) -> None:
    """Who never answers a ping but asks for something is alive."""
    wire = await enemy.enter()
    wire.answers_pings = False
    for _ in range(10):
        await wire.is_served()
        await enemy.pause(0.4)


@attack
async def no_pongs(enemy: Enemy) -> None:
    """Who reads and says nothing, not even pongs, is dropped."""
    wire = await enemy.enter()
    wire.answers_pings = False
    await wire.closes(None)


@attack
async def no_pongs_but_reading_lists(enemy: Enemy) -> None:
    """Being told lists all the time does not put that off."""
    other_user, wire, other = enemy.user_of(1), await enemy.enter(), await enemy.open()
    wire.answers_pings = False
    await other.ask("HELLO", userid=other_user, accesstoken=token(other_user))
    while enemy.arena.holds(wire):
        await other.ask("GOODBYE")
        await enemy.pause(0.1)
        await other.ask("HELLO", userid=other_user, accesstoken=token(other_user))
    await wire.closes(None)


@attack
async def closing_among_pings(enemy: Enemy) -> None:
    """A close frame among thousands of pings is obeyed; what follows it is not."""
    wire = await enemy.enter()
    many = frame(PING, b"x") * 1000
    wire.send(many + frame(8, b"\x03\xe8") + many + frame(TEXT, b'{"type":"PING"}'))
    await wire.closes(1000, *TOO_MANY)
    await enemy.is_freed(wire)


@attack
async def requests_to_ping(enemy: Enemy) -> None:
    """PING is a request like any other when it comes too often."""
    wire = await enemy.enter()
    wire.say(*[{"type": "PING"}] * 1000)
    await wire.is_limited()
