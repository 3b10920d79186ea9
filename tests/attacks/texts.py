"""Texts that are no JSON, or no request."""

from __future__ import annotations

import json

from tests.attacks.accounts import token
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy

attack = Theme("texts")


async def refused(enemy: Enemy, code: str, *texts: object) -> None:
    """Assert that texts of a user are refused one by one, and that the connection is as good as before."""
    wire = await enemy.enter()
    wire.say(*texts)
    await wire.hears(*[code] * len(texts))
    await wire.is_served()


async def arrives(enemy: Enemy, value: bytes) -> bytes:
    """Assert that a payload arrives at its own sender, byte for byte; return the whole message."""
    wire = await enemy.enter(broadcast=False)
    wire.say(b'{"type":"sendMessageToUser","id":%d,"message":%s}' % (enemy.user, value))
    raw = await wire.text()
    assert value in raw, f"{raw[:100]!r}"
    await wire.hears("OK")
    return raw


def sending(value: bytes) -> bytes:
    """Return a request to send some bytes as a payload."""
    return b'{"type":"sendMessageToUser","id":1,"message":%s}' % value


# No JSON


@attack
async def nested_100000_deep(enemy: Enemy) -> None:
    """A hundred thousand brackets are too many bytes, and half of them are no JSON."""
    await refused(enemy, "bad_json", b"[" * 60_000, b'{"a":' * 12_000, sending(b"[" * 60_000))
    wire = await enemy.enter()
    wire.say(b"[" * 100_000)
    await wire.closes(1009)


@attack
async def nested_and_closed(enemy: Enemy) -> None:
    """Brackets that are closed again are nested too deeply all the same."""
    deep = b"[" * 30_000 + b"]" * 30_000
    await refused(enemy, "bad_json", deep, sending(deep), b'{"type":"PING","unknown":%s}' % deep)


@attack
async def nested_a_little_too_deep(enemy: Enemy) -> None:
    """A payload of 65 levels is refused, and one of 64 is not."""
    await refused(enemy, "bad_message", sending(b"[" * 65 + b"]" * 65))
    await arrives(enemy, b"[" * 64 + b"]" * 64)


@attack
async def brackets_in_strings(enemy: Enemy) -> None:
    """Brackets in a string are not nested."""
    await arrives(enemy, b'"' + b"[{" * 10_000 + b'\\""')


@attack
async def nan_and_infinity(enemy: Enemy) -> None:
    """What other languages take for numbers is no JSON."""
    await refused(
        enemy, "bad_json", *map(sending, (b"NaN", b"Infinity", b"-Infinity", b"0x10", b"01", b".5"))
    )


@attack
async def lone_surrogates(enemy: Enemy) -> None:
    """Half of a pair of surrogates is no character, also as an escape."""
    await refused(
        enemy, "bad_json", sending(b'"\\ud800"'), sending(b'"\\udc00\\ud800"'), b'{"type":"\\ud83d"}'
    )


@attack
async def broken_escapes(enemy: Enemy) -> None:
    """Escapes that are none are no JSON."""
    await refused(enemy, "bad_json", *map(sending, (b'"\\x41"', b'"\\u12"', b'"\\', b'"\\uZZZZ"')))


@attack
async def control_characters(enemy: Enemy) -> None:
    """Nor are control characters in a string, or zeros anywhere."""
    await refused(
        enemy, "bad_json", sending(b'"\n"'), sending(b'"\0"'), b'\0{"type":"PING"}', b'{"type":"PING"}\0'
    )


@attack
async def more_than_one_value(enemy: Enemy) -> None:
    """Nor are two values, or a comma too many."""
    texts = (b'{"type":"PING"}{"type":"PING"}', b'{"type":"PING",}', b'{"type":"PING"},', b"{},{}")
    await refused(enemy, "bad_json", *texts)


@attack
async def byte_order_mark(enemy: Enemy) -> None:
    """Nor is a byte order mark in front."""
    await refused(enemy, "bad_json", b'\xef\xbb\xbf{"type":"PING"}')


@attack
async def only_white_space(enemy: Enemy) -> None:
    """Nor is white space, however much."""
    await refused(enemy, "bad_json", b" " * 65_000, b"\n", b"\t\r\n ")


@attack
async def single_quotes_and_comments(enemy: Enemy) -> None:
    """Nor is what people write in the files of their editors."""
    await refused(
        enemy, "bad_json", b"{'type':'PING'}", b'{"type":"PING"/**/}', b'{type:"PING"}', b"// x\n{}"
    )


@attack
async def cut_in_the_middle(enemy: Enemy) -> None:
    """Nor is the beginning of a request."""
    whole = sending(b'{"a":[1,"b"]}')
    await refused(enemy, "bad_json", *[whole[:end] for end in (1, 5, 20, 50, 55, len(whole) - 1)])


# No objects


@attack
async def no_object(enemy: Enemy) -> None:
    """A value that is no object is a bad message."""
    await refused(enemy, "bad_message", b"[]", b'"HELLO"', b"1", b"null", b"true", b'[{"type":"PING"}]')


@attack
async def huge_array(enemy: Enemy) -> None:
    """So is an array of thirty thousand things."""
    await refused(enemy, "bad_message", b"[" + b"1," * 30_000 + b"1]", b"[" + b"{}," * 20_000 + b"{}]")


@attack
async def ten_of_them(enemy: Enemy) -> None:
    """The tenth bad message is answered, and the connection closed."""
    wire = await enemy.enter()
    wire.say(*[b"[]", b"{"] * 10)
    await wire.hears(*["bad_message", "bad_json"] * 5)
    await wire.closes(4400)


@attack
async def ten_of_nobody(enemy: Enemy) -> None:
    """Also that of nobody."""
    wire = await enemy.open()
    wire.say(*[b"null"] * 30)
    await wire.hears(*["bad_message"] * 10)
    await wire.closes(4400)


# Objects


@attack
async def no_type(enemy: Enemy) -> None:
    """A request without a type, or with one that is no string, is a bad message."""
    types = (
        b"{}",
        b'{"type":null}',
        b'{"type":1}',
        b'{"type":["PING"]}',
        b'{"type":{"a":"PING"}}',
        b'{"type":true}',
    )
    await refused(enemy, "bad_message", *types)


@attack
async def unknown_types(enemy: Enemy) -> None:
    """A type that there is not is unknown, however near it comes to one."""
    names = (
        "ping",
        "PING ",
        "PING\0",
        "",
        "OK",
        "message",
        "onlineUsers",
        "\N{CYRILLIC CAPITAL LETTER ER}ING",
    )
    await refused(enemy, "unknown_type", *[{"type": name} for name in names])


@attack
async def type_of_60_kilobytes(enemy: Enemy) -> None:
    """The name of an unknown type is not sent back when it is long."""
    wire = await enemy.enter(broadcast=False)
    wire.say({"type": "x" * 60_000, "ref": 7})
    answer = await wire.text()
    assert len(answer) < 1000
    assert json.loads(answer)["ref"] == 7


@attack
async def names_of_python_and_javascript(enemy: Enemy) -> None:
    """Types and keys that mean something in some language mean nothing here."""
    names = ("__proto__", "constructor", "__class__", "toString", "hasOwnProperty", "__init__")
    await refused(enemy, "unknown_type", *[{"type": name} for name in names])
    wire = await enemy.enter()
    wire.say(
        {"type": "PING", "__proto__": {"type": "HELLO"}, "constructor": {"prototype": {}}, "__class__": 1}
    )
    await wire.hears("OK")


@attack
async def thousands_of_keys(enemy: Enemy) -> None:
    """Keys that nobody knows are passed over, thousands of them too."""
    wire = await enemy.enter()
    wire.say({"type": "PING", **{f"key {number}": number for number in range(2500)}})
    await wire.hears("OK")


@attack
async def thousands_of_equal_keys(enemy: Enemy) -> None:
    """Of equal keys the last counts, of thousands too."""
    wire = await enemy.enter()
    many = b'"type":"HELLO",' * 4000
    wire.say(b"{%s" % many + b'"type":"PING"}')
    await wire.hears("OK")


@attack
async def equal_keys_that_differ(enemy: Enemy) -> None:
    """Who names two users in a HELLO is the last one or nobody: what is checked is who it is."""
    wire, other = await enemy.open(), enemy.user_of(1)
    good = token(enemy.user).encode()
    wire.say(b'{"type":"HELLO","userid":%d,"accesstoken":"%s","userid":%d}' % (enemy.user, good, other))
    await wire.hears("user_mismatch")
    wire.say(b'{"type":"HELLO","userid":%d,"accesstoken":"%s","\\u0075serid":%d}' % (other, good, enemy.user))
    assert (await wire.reply())["userid"] == enemy.user
    assert not enemy.was_seen(other)


@attack
async def keys_that_collide(enemy: Enemy) -> None:
    """Integers as keys that would fall into one place of a table cost nothing."""
    wire = await enemy.enter()
    wire.say({"type": "PING", **{str(number * (2**61 - 1)): 0 for number in range(2000)}})
    await wire.hears("OK")
