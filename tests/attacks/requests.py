"""Requests of those who may not, or who want what is somebody else's."""

from __future__ import annotations

from tests.attacks.accounts import BAD, GOOD, HANGING, SICK, SLOW, token
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.honest import FRIENDS
from tests.attacks.wire import Message

attack = Theme("requests")


def hello(user: int, kind: str = GOOD) -> Message:
    """Return a HELLO."""
    return {"type": "HELLO", "userid": user, "accesstoken": token(user, kind)}


@attack
async def everything_before_hello(enemy: Enemy) -> None:
    """Nobody may do nothing but say HELLO and PING."""
    wire = await enemy.open()
    wire.say(
        {"type": "sendMessageToUser", "id": 1, "message": {"iam": "nobody"}},
        {"type": "subscribeOnlineStatus"},
        {"type": "unsubscribeOnlineStatus"},
        {"type": "getAllOnline"},
        {"type": "GOODBYE"},
    )
    await wire.hears(*["not_identified"] * 5)
    await wire.is_served()


@attack
async def never_says_hello(enemy: Enemy) -> None:
    """Who does not say HELLO is closed, PING or not."""
    wire = await enemy.open()
    while enemy.arena.holds(wire):
        wire.say({"type": "PING"})
        await enemy.pause(0.3)
    await wire.closes(4508)


@attack
async def failing_hellos_for_ever(enemy: Enemy) -> None:
    """Who says HELLO again and again and is never believed is limited, and closed at last."""
    wire = await enemy.open()
    wire.say(*[hello(enemy.user, BAD)] * 450)
    await wire.is_limited()
    assert not enemy.was_seen()


@attack
async def made_up_token(enemy: Enemy) -> None:
    """A token that is none lets nobody in."""
    wire = await enemy.open()
    wire.say(hello(enemy.user, BAD), {"type": "getAllOnline"})
    await wire.hears("token_rejected", "not_identified")


@attack
async def when_the_accounts_are_sick(enemy: Enemy) -> None:
    """Nor does an account API that does not know."""
    wire = await enemy.open()
    wire.say(hello(enemy.user, SICK), {"type": "getAllOnline"})
    await wire.hears("auth_unavailable", "not_identified")


@attack
async def as_somebody_else(enemy: Enemy) -> None:
    """A good token makes nobody another user, honest or not."""
    wire, victim = await enemy.open(), enemy.user_of(1)
    for user in (*FRIENDS, victim):
        wire.say({**hello(user), "accesstoken": token(enemy.user)})
        await wire.hears("user_mismatch")
    assert not enemy.was_seen(victim)


@attack
async def as_somebody_else_later(enemy: Enemy) -> None:
    """Nor does a second HELLO, whoever's token it has."""
    wire, victim = await enemy.enter(), enemy.user_of(1)
    wire.say(hello(victim), {**hello(victim), "accesstoken": token(enemy.user)})
    await wire.hears("already_identified", "already_identified")
    assert not enemy.was_seen(victim)


@attack
async def as_somebody_else_meanwhile(enemy: Enemy) -> None:
    """Nor does one that waits while another is checked."""
    wire, victim = await enemy.open(), enemy.user_of(1)
    wire.say(hello(enemy.user, SLOW), {**hello(victim), "accesstoken": token(enemy.user)})
    await wire.hears("OK", "already_identified")
    assert not enemy.was_seen(victim)


@attack
async def forged_sender(enemy: Enemy) -> None:
    """Who writes a sender into a message is named as the sender all the same."""
    wire = await enemy.enter()
    for key in ("from", "sender", "userid", "ts", "socket"):
        reply = await wire.ask("sendMessageToUser", id=2, message={"iam": enemy.user}, **{key: 1})
        assert reply["delivered"] == 1


@attack
async def forged_events(enemy: Enemy) -> None:
    """Who says what only the daemon says is not understood."""
    wire = await enemy.enter()
    for kind in ("onlineUsers", "onlineStatus", "message", "tokenRequired", "goingAway", "OK", "ERROR"):
        wire.say({"type": kind, "online": [], "wentOffline": [1, 2], "epoch": "x", "version": 1})
        await wire.hears("unknown_type")


@attack
async def message_to_nobody(enemy: Enemy) -> None:
    """A message to who is not online goes nowhere, and nothing is kept of it."""
    wire = await enemy.enter()
    for user in (enemy.user_of(7), 2**53 - 1):
        assert (await wire.ask("sendMessageToUser", id=user, message="x" * 50_000))["delivered"] == 0


@attack
async def messages_to_a_thousand_nobodies(enemy: Enemy) -> None:
    """Nor of messages to one user after another."""
    wire = await enemy.enter()
    wire.say(*[{"type": "sendMessageToUser", "id": 10**9 + number, "message": 1} for number in range(150)])
    await wire.hears(*["OK"] * 150)


@attack
async def message_after_goodbye(enemy: Enemy) -> None:
    """After GOODBYE nobody speaks for the user, and nothing reaches it."""
    wire, other = await enemy.enter(), await enemy.enter()
    await wire.ask("GOODBYE")
    assert (await wire.ask("sendMessageToUser", id=1, message=1))["code"] == "not_identified"
    assert (await other.ask("sendMessageToUser", id=enemy.user, message=1))["delivered"] == 1
    assert all(message["type"] not in {"message", "onlineUsers"} for message in await wire.until_served())


@attack
async def goodbye_and_hello_in_a_circle(enemy: Enemy) -> None:
    """Coming and going in a circle is served, and nothing of it stays."""
    wire = await enemy.open()
    for _ in range(60):
        wire.say(hello(enemy.user), {"type": "subscribeOnlineStatus"}, {"type": "GOODBYE"})
        await wire.hears("OK", "OK", "OK")


@attack
async def circle_without_waiting(enemy: Enemy) -> None:
    """So is coming and going without waiting for replies, until it is too much."""
    wire = await enemy.open()
    wire.say(*[hello(enemy.user), {"type": "GOODBYE"}] * 250)
    await wire.is_limited()


@attack
async def circle_of_slow_checks(enemy: Enemy) -> None:
    """HELLOs that are taken back while they are checked leave no check behind."""
    wire = await enemy.open()
    for _ in range(30):
        wire.say(hello(enemy.user, SLOW), {"type": "getAllOnline"}, {"type": "GOODBYE"})
        await wire.hears("cancelled", "not_identified", "OK")
    await enemy.pause(0.5)
    assert not enemy.was_seen()


@attack
async def seventeenth_request_that_waits(enemy: Enemy) -> None:
    """While a HELLO is checked sixteen requests wait, and no more."""
    wire = await enemy.open()
    wire.say(hello(enemy.user, SLOW), *[{"type": "getAllOnline"}] * 19)
    await wire.hears(*["rate_limited"] * 3, *["OK"] * 17)


@attack
async def hellos_that_wait_for_hellos(enemy: Enemy) -> None:
    """HELLOs that wait for one that fails are checked one after the other."""
    wire = await enemy.open()
    wire.say(hello(enemy.user, SLOW), *[hello(enemy.user, BAD)] * 30)
    await wire.hears(*["rate_limited"] * 14, "OK", *["token_rejected"] * 4)


@attack
async def never_decided_and_waiting(enemy: Enemy) -> None:
    """What waits for an account API that never decides takes no room, and GOODBYE ends it."""
    wire = await enemy.open()
    large = {"type": "sendMessageToUser", "id": 1, "message": "x" * 60_000}
    wire.say(hello(enemy.user, HANGING), *[large] * 40, {"type": "GOODBYE"})
    await wire.hears(*["rate_limited"] * 24, "cancelled", *["not_identified"] * 16, "OK")


@attack
async def many_refreshes_at_once(enemy: Enemy) -> None:
    """Of many HELLOs of one who is in already only some are checked at once."""
    wire = await enemy.enter()
    wire.say(*[hello(enemy.user, HANGING)] * 50, {"type": "PING", "ref": "last"})
    codes = [message.get("code") for message in await wire.until_served() if message["type"] == "ERROR"]
    assert set(codes) == {"rate_limited"}
    assert len(codes) >= 50 - 16


@attack
async def refresh_that_fails(enemy: Enemy) -> None:
    """A HELLO that fails takes nothing from one who is in already, and gives nothing."""
    wire = await enemy.enter()
    wire.say(hello(enemy.user, BAD), hello(enemy.user, SICK))
    await wire.hears("token_rejected", "auth_unavailable")
    assert (await wire.ask("sendMessageToUser", id=enemy.user, message=1))["delivered"] == 1


@attack
async def subscriptions_to_a_thousand(enemy: Enemy) -> None:
    """Subscriptions to a thousand users each, one after the other, leave only the last."""
    wire = await enemy.enter()
    for start in range(1, 40):
        users = list(range(start * 1000, start * 1000 + 1000))
        assert (await wire.ask("subscribeOnlineStatus", users=users))["type"] == "OK"
    wire.reset()
    await enemy.is_freed(wire)


@attack
async def subscription_to_one_a_thousand_times(enemy: Enemy) -> None:
    """A user who is named a thousand times in a subscription is one user."""
    wire, friend = await enemy.enter(broadcast=False), await enemy.open()
    other = enemy.user_of(1)
    await wire.ask("subscribeOnlineStatus", users=[other] * 1000)
    await friend.ask("HELLO", userid=other, accesstoken=token(other))
    assert (await wire.message())["wentOnline"] == [other]


@attack
async def subscribing_in_a_circle(enemy: Enemy) -> None:
    """Subscribing and unsubscribing in a circle leaves no subscription."""
    wire = await enemy.enter(broadcast=False)
    for _ in range(80):
        wire.say({"type": "subscribeOnlineStatus"}, {"type": "unsubscribeOnlineStatus"})
        await wire.hears("OK", "OK")
    other = await enemy.open()
    await other.ask("HELLO", userid=enemy.user_of(1), accesstoken=token(enemy.user_of(1)))
    assert [message["type"] for message in await wire.until_served()] == ["OK"]


@attack
async def pages_of_one(enemy: Enemy) -> None:
    """Pages of one user each come to an end, and each is good for itself."""
    wire = await enemy.enter(broadcast=False)
    cursor: Message = {}
    for _ in range(100):
        page = await wire.ask("getAllOnline", limit=1, **cursor)
        assert len(page["online"]) <= 1
        if "next" not in page:
            break
        cursor = {"cursor": page["next"]}


@attack
async def one_socket_too_many(enemy: Enemy) -> None:
    """Who opens more sockets than a user may have loses the oldest, and is online all the time."""
    wires = [await enemy.enter() for _ in range(enemy.settings.max_sockets_per_user + 2)]
    for wire in wires[:2]:
        await wire.closes(4409)
    for wire in wires[2:]:
        await wire.is_served()


@attack
async def sockets_of_a_goodbye(enemy: Enemy) -> None:
    """Sockets that said GOODBYE are none, so their user may have others."""
    wires = []
    for _ in range(enemy.settings.max_sockets_per_user + 2):
        wire = await enemy.enter()
        await wire.ask("GOODBYE")
        wires.append(wire)
    for wire in wires:
        await wire.is_served()
