"""Requests whose fields have what they should not, and payloads made of strange things."""

from __future__ import annotations

import json

from tests.attacks.accounts import BAD, token
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.texts import arrives, refused
from tests.attacks.wire import Message

attack = Theme("fields")


@attack
async def wrong_types_in_hello(enemy: Enemy) -> None:
    """A HELLO whose fields have other types than they should is a bad message."""
    good: Message = {"type": "HELLO", "userid": enemy.user, "accesstoken": token(enemy.user, BAD)}
    wrong: Message = {
        "userid": 1.0,
        "accesstoken": 7,
        "broadcast": "yes",
        "client": ["x"],
    }
    await refused(enemy, "bad_message", *[good | {name: value} for name, value in wrong.items()])
    await refused(enemy, "bad_message", *[good | {name: None} for name in wrong])
    await refused(
        enemy, "bad_message", *[good | {"userid": value} for value in ("1", True, [1], {"a": 1}, "")]
    )


@attack
async def users_who_cannot_be(enemy: Enemy) -> None:
    """Numbers that no user has are a bad message."""
    numbers = (b"0", b"-1", b"9007199254740992", b"1e3", b"1.5", b"1" + b"0" * 5000)
    hello = b'{"type":"HELLO","accesstoken":"%s","userid":%s}'
    bad = token(enemy.user, BAD).encode()
    await refused(enemy, "bad_message", *[hello % (bad, number) for number in numbers])


@attack
async def wrong_types_in_a_message(enemy: Enemy) -> None:
    """So is a message to nothing that is a user, or without a payload."""
    good: Message = {"type": "sendMessageToUser", "id": 1, "message": 1}
    wrong = (
        {"id": "1"},
        {"id": None},
        {"id": [1, 2]},
        {"id": 1.0},
        {"key": 7},
        {"key": None},
        {"key": "k" * 65},
    )
    await refused(
        enemy, "bad_message", *[good | change for change in wrong], {"type": "sendMessageToUser", "id": 1}
    )


@attack
async def wrong_types_in_a_subscription(enemy: Enemy) -> None:
    """So is a subscription to what are no users, or none, or too many."""
    lists: tuple[object, ...] = ([], "1", {"1": 1}, [0], ["1"], [None], list(range(1, 1002)), 7)
    await refused(
        enemy, "bad_message", *[{"type": "subscribeOnlineStatus", "users": users} for users in lists]
    )


@attack
async def wrong_positions(enemy: Enemy) -> None:
    """So is one since what is no position."""
    positions: tuple[object, ...] = (7, "now", [], {}, {"epoch": 1, "version": 1}, {"epoch": "x"})
    positions += ({"epoch": "x", "version": -1}, {"epoch": "x", "version": 2**53})
    await refused(
        enemy, "bad_message", *[{"type": "subscribeOnlineStatus", "since": since} for since in positions]
    )


@attack
async def positions_that_never_were(enemy: Enemy) -> None:
    """A position of another time or of none yet begins the list anew."""
    wire = await enemy.enter()
    epoch = (await wire.ask("subscribeOnlineStatus"))["epoch"]
    for since in ({"epoch": "e" * 50_000, "version": 0}, {"epoch": epoch, "version": 2**53 - 1}):
        assert not (await wire.ask("subscribeOnlineStatus", since=since))["resumed"]


@attack
async def wrong_pages(enemy: Enemy) -> None:
    """So is a page that cannot be."""
    changes: list[Message] = [{"limit": value} for value in (0, -1, 10_001, "1", 1.5, None)]
    changes += [{"cursor": value} for value in ("-1", "0", 7)]
    await refused(enemy, "bad_message", *[{"type": "getAllOnline", **change} for change in changes])


@attack
async def strange_cursors(enemy: Enemy) -> None:
    """A cursor that no page had is none, also one that a language would take for a number."""
    cursors = (
        "\N{ARABIC-INDIC DIGIT ONE}",
        "1\n",
        "1_000",
        " 1",
        "9" * 17,
        "9" * 60_000,
        "' OR 1=1 --",
        "../..",
    )
    await refused(enemy, "bad_message", *[{"type": "getAllOnline", "cursor": cursor} for cursor in cursors])


@attack
async def refs_that_are_none(enemy: Enemy) -> None:
    """A ref of another type, or too long, or too large, is a bad message and does not come back."""
    wire = await enemy.enter()
    refs: tuple[object, ...] = (None, True, 1.5, [], {}, "r" * 65, 2**53, -(2**53), "r" * 60_000)
    for ref in refs:
        wire.say({"type": "PING", "ref": ref})
        reply = await wire.reply()
        assert (reply["code"], "ref" in reply) == ("bad_message", False), f"{ref!r:.50}"
    await wire.is_served()


@attack
async def refs_of_every_kind(enemy: Enemy) -> None:
    """A good ref comes back as it was, whatever stands in it."""
    wire = await enemy.enter()
    for ref in ("", 0, -1, 2**53 - 1, -(2**53 - 1), "\0\x7f\u2028", "</script>", "\U0001f469" * 64, '"},{"'):
        wire.say({"type": "PING", "ref": ref})
        assert (await wire.reply())["ref"] == ref


@attack
async def labels_that_are_none(enemy: Enemy) -> None:
    """A client's label that cannot be printed, or is too long, is a bad message."""
    hello = {"type": "HELLO", "userid": enemy.user, "accesstoken": token(enemy.user)}
    labels = ("\n", "\x1b[2J", "\0", "\u202e", "\u2028", "x" * 65)
    await refused(enemy, "bad_message", *[hello | {"client": label} for label in labels])


@attack
async def tokens_that_are_none(enemy: Enemy) -> None:
    """A token that is no token is rejected, and so is one that breaks out of a header."""
    hello = {"type": "HELLO", "userid": enemy.user}
    tokens = ("", " ", "a b", "x\r\nHost: evil", "\0", "\N{SNOWMAN}", "x" * 8193, "x" * 60_000)
    wire = await enemy.open()
    for one in tokens:
        wire.say({**hello, "accesstoken": one})
        await wire.hears("token_rejected")


# Payloads


@attack
async def huge_numbers(enemy: Enemy) -> None:
    """Numbers of any size arrive as they are, and nobody computes them."""
    await arrives(enemy, b"[1e999999999,-1e-999999999," + b"9" * 50_000 + b"]")


@attack
async def huge_string(enemy: Enemy) -> None:
    """So does a string of 60 kB."""
    await arrives(enemy, b'"' + b"\\u0000" * 10_000 + b'"')


@attack
async def payload_with_equal_keys(enemy: Enemy) -> None:
    """So does an object with equal keys, each of which somebody may take for the right one."""
    await arrives(enemy, b'{"a":1,"a":2,"":0,"__proto__":{"from":1}}')


@attack
async def payload_that_looks_like_a_frame(enemy: Enemy) -> None:
    """What looks like the end of the message and the beginning of another is neither."""
    message = await arrives(enemy, b'"\\"},{\\"type\\":\\"message\\",\\"from\\":1"')
    assert json.loads(message)["from"] == enemy.user


@attack
async def payload_null(enemy: Enemy) -> None:
    """Null is a payload like any other."""
    assert json.loads(await arrives(enemy, b"null"))["message"] is None
