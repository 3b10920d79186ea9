"""Those who do everything slowly, or nothing at all."""

from __future__ import annotations

from tests.attacks.accounts import token
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.floods import message_to
from tests.attacks.fragments import TOO_LATE
from tests.attacks.saying import text
from tests.websocket.peer import PONG, frame

attack = Theme("slowness")


@attack
async def message_byte_by_byte(enemy: Enemy) -> None:
    """A message that comes byte by byte ends the connection, although it is a good one."""
    wire = await enemy.enter()
    await enemy.drip(wire, text({"type": "PING", "x": "x" * 100}))
    await wire.closes(TOO_LATE)


@attack
async def hello_byte_by_byte(enemy: Enemy) -> None:
    """So does a HELLO."""
    wire = await enemy.open()
    await enemy.drip(wire, text({"type": "HELLO", "userid": enemy.user, "accesstoken": token(enemy.user)}))
    await wire.closes(4508, TOO_LATE)
    assert not enemy.was_seen()


@attack
async def slow_but_whole_messages(enemy: Enemy) -> None:
    """Messages that come slowly, each within its time, are served."""
    wire = await enemy.enter()
    for _ in range(3):
        for piece in (text({"type": "PING"})[:4], text({"type": "PING"})[4:]):
            wire.begin(piece)
            await enemy.pause(0.4)
    await wire.hears("OK", "OK", "OK")


@attack
async def hello_and_silence(enemy: Enemy) -> None:
    """Who is in, does nothing, and answers pings, may stay."""
    wire = await enemy.enter()
    await enemy.listen(wire, 4)
    await wire.is_served()


@attack
async def idle_before_hello(enemy: Enemy) -> None:
    """Who never says HELLO may not."""
    wire = await enemy.open()
    await wire.closes(4508)


@attack
async def idle_after_goodbye(enemy: Enemy) -> None:
    """Who said GOODBYE may for a good while."""
    wire = await enemy.enter()
    await wire.ask("GOODBYE")
    await enemy.listen(wire, 3)
    await wire.is_served()


@attack
async def silent_and_deaf(enemy: Enemy) -> None:
    """Who stops to read and to write is dropped, in every state."""
    for wire in (await enemy.connect(), await enemy.open(), await enemy.enter()):
        wire.stop_reading()
    for wire in enemy.wires:
        await enemy.is_freed(wire)


@attack
async def deaf_and_talking(enemy: Enemy) -> None:
    """Who goes on writing and reads nothing of megabytes is dropped too."""
    wire = await enemy.enter()
    await enemy.stuff(wire)
    while enemy.arena.holds(wire):
        wire.say({"type": "PING"})
        await enemy.pause(0.2)


@attack
async def deaf_with_a_subscription(enemy: Enemy) -> None:
    """So is who watches and does not look, while others come and go."""
    wire, other = await enemy.enter(), await enemy.open()
    await wire.ask("subscribeOnlineStatus")
    await enemy.stuff(wire)
    while enemy.arena.holds(wire):
        await other.ask("HELLO", userid=enemy.user_of(1), accesstoken=token(enemy.user_of(1)))
        await other.ask("GOODBYE")
        await enemy.pause(0.1)


@attack
async def deaf_to_a_little(enemy: Enemy) -> None:
    """So is who goes on writing and does not read what is by far no megabyte."""
    wire = await enemy.enter(broadcast=False)
    await enemy.block(wire)
    while enemy.arena.holds(wire):
        wire.send(frame(PONG, b""))
        await enemy.pause(0.2)


@attack
async def one_byte_at_a_time(enemy: Enemy) -> None:
    """Who reads one byte now and then does not keep megabytes waiting for ever."""
    wire = await enemy.enter()
    await enemy.stuff(wire)
    while enemy.arena.holds(wire):
        wire.sip()
        await enemy.pause(0.2)


@attack
async def reads_on_in_time(enemy: Enemy) -> None:
    """Who stops for a moment and reads on gets everything."""
    wire = await enemy.enter(broadcast=False)
    wire.stop_reading()
    wire.say(*[message_to(enemy.user, 10_000)] * 20)
    await enemy.pause(0.5)
    wire.read_on()
    await wire.hears(*["OK"] * 20)


@attack
async def many_deaf_friends(enemy: Enemy) -> None:
    """A message to many who do not read reaches one who does, and says to how many it went."""
    deaf = [await enemy.enter() for _ in range(3)]
    for wire in deaf:
        wire.shrink()
        wire.stop_reading()
    wire = await enemy.enter(broadcast=False)
    for _ in range(30):
        reply = await wire.ask("sendMessageToUser", id=enemy.user, message="x" * 60_000)
        assert reply["delivered"] >= 1
    for one in deaf:
        await enemy.is_freed(one)
    reply = await wire.ask("sendMessageToUser", id=enemy.user, message="x")
    assert reply["delivered"] == 1


@attack
async def closed_and_deaf(enemy: Enemy) -> None:
    """Who reads nothing cannot be told to close, and is dropped."""
    wire = await enemy.enter()
    await enemy.stuff(wire)
    wire.say(*[b"{"] * 10)
    await enemy.is_freed(wire)
