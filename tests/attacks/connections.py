"""Many connections, one after the other or at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import count

from twisted.internet.defer import Deferred, gatherResults

from tests.attacks.accounts import token
from tests.attacks.arena import PLAIN
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.saying import shake
from tests.attacks.wire import Over

attack = Theme("connections")
attack_alone = Theme("connections", frozenset({PLAIN}), alone=True)


@attack
async def connects_and_resets(enemy: Enemy) -> None:
    """Who connects and resets hundreds of times leaves nothing."""
    for _ in range(10):
        for wire in await enemy.several(20, enemy.connect_tcp):
            wire.reset()


@attack
async def connects_and_closes(enemy: Enemy) -> None:
    """Nor does who says a few bytes and goes."""
    for _ in range(5):
        for wire in await enemy.several(20, enemy.connect_tcp):
            wire.send(b"GET")
            wire.half_close()
    await enemy.is_freed(enemy.wires[-1])


@attack
async def hellos_and_resets(enemy: Enemy) -> None:
    """Nor does who comes in and vanishes dozens of times."""
    for _ in range(25):
        (await enemy.enter()).reset()


@attack
async def one_after_the_other_by_other_users(enemy: Enemy) -> None:
    """Nor does who comes in as somebody else each time; they are all offline in the end."""
    for place in range(25):
        (await enemy.enter(enemy.user_of(place))).reset()


@attack
async def idle_connections(enemy: Enemy) -> None:
    """Dozens of connections that say nothing are dropped."""
    for wire in await enemy.several(30, enemy.connect_tcp):
        await wire.ends()


@attack
async def idle_websockets(enemy: Enemy) -> None:
    """So are dozens that only shake hands."""
    for wire in await enemy.several(25, enemy.open):
        await wire.closes(4508)


async def is_let_in(enemy: Enemy, *headers: str) -> bool:
    """Return whether a connection that a proxy forwards is let in, with a user of its own."""
    wire = await enemy.connect(enemy.proxy)
    user = enemy.user_of(len(enemy.wires))
    wire.send(shake(*headers))
    try:
        status = (await wire.response())[0]
        if status == 400:
            return False
        assert status == 101, f"it was answered {status}"
        reply = await wire.ask("HELLO", userid=user, accesstoken=token(user), broadcast=False)
    except Over as over:
        assert over.code in {1013, None}, f"it was closed with {over.code}"  # noqa: PT017 - either is right
        return False
    return bool(reply["type"] == "OK")


async def let_in(enemy: Enemy, *forwarded: Sequence[str]) -> int:
    """Return how many connections are let in, each with headers of its own."""
    return sum(await gatherResults([Deferred.fromCoroutine(is_let_in(enemy, *each)) for each in forwarded]))


@attack
async def too_many_of_an_address(enemy: Enemy) -> None:
    """Of the connections of one address behind a proxy only so many are let in."""
    most = enemy.settings.max_connections_per_address
    mine = f"X-Forwarded-For: {enemy.public}"
    assert await let_in(enemy, *[[mine]] * (most + 10)) == most


@attack
async def too_many_of_a_network(enemy: Enemy) -> None:
    """The addresses that one subscriber has by IPv6 count as one."""
    most = enemy.settings.max_connections_per_address
    network = f"2001:db8:{enemy.number:x}:1"
    hosts = [[f"X-Forwarded-For: {network}::{place + 1:x}"] for place in range(most + 10)]
    assert await let_in(enemy, *hosts) == most


@attack
async def forged_addresses(enemy: Enemy) -> None:
    """Addresses that a client made up stand before the one that the proxy knows, and count for nothing."""
    most = enemy.settings.max_connections_per_address
    forged = [[f"X-Forwarded-For: 192.0.2.{place}, {enemy.public}"] for place in range(most + 10)]
    assert await let_in(enemy, *forged) == most


@attack
async def addresses_smuggled_behind(enemy: Enemy) -> None:
    """Nor do those that it hides in the middle of another header, where some would end a line."""
    most = enemy.settings.max_connections_per_address
    mine = f"X-Forwarded-For: {enemy.public}"
    ends = ("\x85", "\x1c", "\x0b", "\x0c", "\n", "\r")
    hidden = [[mine, f"X: x{ends[n % len(ends)]}X-Forwarded-For: 192.0.2.{n}"] for n in range(most + 10)]
    assert await let_in(enemy, *hidden) + await let_in(enemy, *[[mine]] * most) == most


@attack
async def blaming_somebody_else(enemy: Enemy) -> None:
    """Who is no proxy and names another address does not use up what that one may have."""
    name = f"X-Forwarded-For: {enemy.public}"
    await enemy.several(enemy.settings.max_connections_per_address + 5, partial(enemy.open, name))
    assert await is_let_in(enemy, name)


@attack
async def addresses_that_are_none(enemy: Enemy) -> None:
    """Whatever stands where an address should, the connection is let in or not, and nothing breaks."""
    for name in (
        "",
        ",,,",
        "unknown",
        "1.2.3.4.5",
        "::1%eth0",
        "[::",
        "9" * 5000,
        "\xff",
        "10.0.0.1;x",
        ", " * 2000,
    ):
        await is_let_in(enemy, f"X-Forwarded-For: {name}")


@attack
async def users_do_not_share_the_blame(enemy: Enemy) -> None:
    """A user with too many sockets takes none from another at the same address."""
    for _ in range(enemy.settings.max_sockets_per_user * 2):
        await enemy.enter()
    other = enemy.user_of(1)
    wire = await enemy.open()
    assert (await wire.ask("HELLO", userid=other, accesstoken=token(other)))["type"] == "OK"
    await wire.is_served()


@attack_alone
async def more_unidentified_than_allowed(enemy: Enemy) -> None:
    """When too many say nothing a newcomer is turned away, and let in once they are dropped."""
    idle = await enemy.several(enemy.settings.max_unidentified, enemy.connect_tcp)
    await (await enemy.open()).closes(1013)
    flood = await enemy.several(enemy.settings.max_unidentified // 5, enemy.connect_tcp)
    await flood[-1].ends()
    for wire in idle:
        await enemy.is_freed(wire)
    await (await enemy.enter()).is_served()


@attack_alone
async def more_connections_than_allowed(enemy: Enemy) -> None:
    """When there are too many connections a newcomer is turned away, whoever has them."""
    places = map(enemy.user_of, count())
    most = enemy.settings.max_connections - len(enemy.arena.honest)
    for some in (most // 2, most - most // 2):  # so that there are never too many without a user
        await enemy.several(some, lambda: enemy.enter(next(places), broadcast=False))
    newcomer = await enemy.open()
    await newcomer.closes(1013)
    enemy.wires[0].reset()
    await enemy.is_freed(enemy.wires[0])
    await newcomer.ends()
    await (await enemy.enter(broadcast=False)).is_served()
