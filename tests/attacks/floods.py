"""Far more than the limits allow, read or not."""

from __future__ import annotations

from tests.attacks.accounts import token
from tests.attacks.arena import PLAIN
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.fragments import A_LOT, MANY
from tests.attacks.wire import TOO_MANY, Message, Wire
from tests.canary import SECRET
from tests.websocket.peer import BINARY, TEXT, frame

attack = Theme("floods")
attack_alone = Theme("floods", frozenset({PLAIN}), alone=True)

MOST_DELIVERED = 30
"""More messages of 60 kB than what a queue and two kernels keep for one who does not read."""

ALL_ONLINE: Message = {"type": "getAllOnline"}


def message_to(user: int, size: int = 10) -> Message:
    """Return a request to send a user a message of some size."""
    return {"type": "sendMessageToUser", "id": user, "message": SECRET.ljust(size)}


@attack
async def requests_far_above_the_rate(enemy: Enemy) -> None:
    """Requests far above the rate are refused, and then the connection is closed."""
    wire = await enemy.enter()
    wire.say(*[message_to(enemy.user)] * 2000)
    await wire.is_limited()


@attack
async def requests_above_the_rate_for_long(enemy: Enemy) -> None:
    """So are those that keep coming at a few times the rate."""
    wire = await enemy.enter()
    while enemy.arena.holds(wire):
        wire.say(*[{"type": "unsubscribeOnlineStatus"}] * 20)
        await enemy.pause(0.03)
    await wire.is_limited()


@attack
async def requests_up_to_the_burst(enemy: Enemy) -> None:
    """As many as may come at once are served, and none is lost."""
    wire = await enemy.enter()
    wire.say(*[{"type": "unsubscribeOnlineStatus"}] * (int(enemy.settings.request_burst) - 10))
    await wire.hears(*["OK"] * (int(enemy.settings.request_burst) - 10))


@attack
async def requests_of_nobody(enemy: Enemy) -> None:
    """Requests of nobody are limited too."""
    wire = await enemy.open()
    wire.say(*[ALL_ONLINE] * 2000)
    await wire.is_limited()


@attack
async def unknown_types(enemy: Enemy) -> None:
    """So are requests of types that there are not."""
    wire = await enemy.enter()
    wire.say(*[{"type": "unknown"}] * 2000)
    await wire.closes(4400, 4529)


@attack
async def requests_and_never_read(enemy: Enemy) -> None:
    """A flood of requests whose replies are not read ends."""
    wire = await enemy.enter()
    wire.shrink()
    wire.stop_reading()
    wire.say(*[message_to(enemy.user)] * 5000)
    await enemy.is_freed(wire)


@attack
async def bad_requests_and_never_read(enemy: Enemy) -> None:
    """So does one of bad requests."""
    wire = await enemy.enter()
    wire.shrink()
    wire.stop_reading()
    wire.say(*[b"[" * 1000] * 500)
    await enemy.is_freed(wire)


@attack
async def all_sockets_of_a_user_together(enemy: Enemy) -> None:
    """What one socket of a user may ask, all of them may not ask together."""
    wires = [await enemy.enter(broadcast=False) for _ in range(3)]
    count = int(enemy.settings.request_burst) - 20
    for wire in wires:
        wire.say(*[{"type": "unsubscribeOnlineStatus"}] * count)
    codes = [(await wire.reply()).get("code") for wire in wires for _ in range(count)]
    assert set(codes) == {None, "rate_limited"}


@attack
async def one_user_after_the_other(enemy: Enemy) -> None:
    """A connection that changes its user has not more for that."""
    wire = await enemy.open()
    for place in range(300):
        user = enemy.user_of(place)
        wire.say({"type": "HELLO", "userid": user, "accesstoken": token(user)}, {"type": "GOODBYE"})
    await wire.is_limited()


@attack
async def to_oneself_and_never_read(enemy: Enemy) -> None:
    """Who sends large messages to itself and reads none does not fill the memory."""
    wire = await enemy.enter()
    wire.shrink()
    wire.stop_reading()
    for _ in range(100):
        wire.say(message_to(enemy.user, 60_000))
        await enemy.pause(0.01)
    await enemy.is_freed(wire)


@attack
async def to_all_sockets_of_oneself(enemy: Enemy) -> None:
    """Nor does who has them sent to many sockets at once: most of them are not delivered."""
    readers = [await enemy.enter() for _ in range(enemy.settings.max_sockets_per_user - 1)]
    for reader in readers:
        reader.shrink()
        reader.stop_reading()
    wire = await enemy.enter(enemy.user_of(1))
    wire.say(*[message_to(enemy.user, 60_000)] * 100)
    for reader in readers:
        await enemy.is_freed(reader)
    assert sum([(await wire.reply())["delivered"] for _ in range(100)]) < MOST_DELIVERED * len(readers)


@attack
async def lists_and_never_read(enemy: Enemy) -> None:
    """Nor does who asks for lists and reads none."""
    wire = await enemy.enter()
    await enemy.stuff(wire)
    while enemy.arena.holds(wire):
        wire.say(*[ALL_ONLINE, {"type": "subscribeOnlineStatus"}] * 3)
        await enemy.pause(0.1)


@attack
async def large_messages_to_nobody(enemy: Enemy) -> None:
    """Megabytes to nobody cost no more than their bytes."""
    wire = await enemy.enter()
    wire.say(*[message_to(enemy.user_of(9), 65_000)] * 100)
    await wire.hears(*["OK"] * 100)


@attack
async def bytes_without_end(enemy: Enemy) -> None:
    """Twenty megabytes in frames that break the rules are not kept."""
    wire = await enemy.enter()
    for _ in range(20):
        if enemy.arena.holds(wire):
            wire.send(frame(BINARY, bytes(2**20)))
            await enemy.pause(0)
    await wire.closes(1003, 1009, None)


@attack
async def smallest_frames(enemy: Enemy) -> None:
    """Thousands of frames that are empty end the connection after a few."""
    wire = await enemy.enter()
    wire.send(frame(TEXT, b"") * A_LOT)
    await wire.closes(4400)


@attack_alone
async def smallest_frames_from_many(enemy: Enemy) -> None:
    """Nor do those of many at once keep the daemon from the others, once it has told them to close."""
    for wire in await enemy.several(MANY, enemy.open):
        wire.send(frame(TEXT, b"") * A_LOT)
    for wire in enemy.wires:
        await wire.closes(4400, *TOO_MANY)


async def flood_of(enemy: Enemy, wires: list[Wire]) -> None:
    """Let connections send what they may, and all of them at once."""
    for wire in wires:
        wire.say(*[message_to(2, 10) | {"message": {"iam": enemy.user}}] * 40)


@attack
async def messages_to_an_honest_user(enemy: Enemy) -> None:
    """A user who is written to by many at once hears its friend all the same."""
    await flood_of(enemy, [await enemy.enter() for _ in range(enemy.settings.max_sockets_per_user)])
    for wire in enemy.wires:
        await wire.hears(*["OK"] * 40)
