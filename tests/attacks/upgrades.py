"""Opening handshakes that are HTTP, and no good ones of a WebSocket."""

from __future__ import annotations

from base64 import b64encode

from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.handshakes import refused
from tests.attacks.saying import shake, shake_without

attack = Theme("upgrades")


@attack
async def post(enemy: Enemy) -> None:
    """Another method than GET is refused."""
    await refused(enemy, shake(line="POST / HTTP/1.1"), 405)


@attack
async def connect_method(enemy: Enemy) -> None:
    """So is a request to be a proxy."""
    await refused(enemy, shake(line="CONNECT 127.0.0.1:22 HTTP/1.1"), 405)


@attack
async def method_in_lower_case(enemy: Enemy) -> None:
    """So is a method in lower case, which is another one."""
    await refused(enemy, shake(line="get / HTTP/1.1"), 405)


@attack
async def open_redirect(enemy: Enemy) -> None:
    """A request for a page is not sent on to wherever it says."""
    head = await refused(
        enemy, b"GET /?redirect=https://evil.example&after=0 HTTP/1.1\r\nHost: h\r\n\r\n", 426
    )
    assert b"evil" not in head


@attack
async def version_asked_for(enemy: Enemy) -> None:
    """A refusal does not tell what software refuses."""
    head = (await refused(enemy, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 426)).lower()
    assert b"server:" not in head
    assert b"autobahn" not in head
    assert b"twisted" not in head


@attack
async def header_in_the_answer(enemy: Enemy) -> None:
    """A refusal repeats nothing of the request, so nobody can put words in the daemon's mouth."""
    for evil in (
        shake(line="EVIL / HTTP/1.1"),
        shake(line="GET /#EVIL HTTP/1.1"),
        shake("Origin: http://EVIL"),
    ):
        assert b"EVIL" not in await refused(enemy, evil, 400, 403, 405)


@attack
async def no_host(enemy: Enemy) -> None:
    """A handshake without a host is refused."""
    await refused(enemy, shake_without("Host"), 400)


@attack
async def two_hosts(enemy: Enemy) -> None:
    """So is one with two."""
    await refused(enemy, shake("Host: evil.example"), 400)


@attack
async def host_with_a_bad_port(enemy: Enemy) -> None:
    """So is one with a port that is no number."""
    await refused(enemy, shake().replace(b"Host: localhost", b"Host: localhost:http"), 400)


@attack
async def host_with_a_huge_port(enemy: Enemy) -> None:
    """A port of 5,000 digits costs nothing but a refusal."""
    await refused(enemy, shake().replace(b"Host: localhost", b"Host: localhost:" + b"9" * 5000), 400)


@attack
async def no_upgrade(enemy: Enemy) -> None:
    """A handshake that wants no upgrade is refused."""
    await refused(enemy, shake_without("Upgrade"), 426)


@attack
async def upgrade_to_something_else(enemy: Enemy) -> None:
    """So is one that wants HTTP/2."""
    await refused(enemy, shake().replace(b"Upgrade: websocket", b"Upgrade: h2c"), 400, 426)


@attack
async def no_connection(enemy: Enemy) -> None:
    """So is one that does not say so in Connection."""
    await refused(enemy, shake_without("Connection"), 400)


@attack
async def no_key(enemy: Enemy) -> None:
    """So is one without a key."""
    await refused(enemy, shake_without("Sec-WebSocket-Key"), 400)


@attack
async def two_keys(enemy: Enemy) -> None:
    """So is one with two keys."""
    await refused(enemy, shake("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400)


@attack
async def huge_key(enemy: Enemy) -> None:
    """So is one with a key of 4 kB."""
    key = b64encode(bytes(3000))
    await refused(enemy, shake().replace(b"dGhlIHNhbXBsZSBub25jZQ==", key), 400)


@attack
async def key_of_other_letters(enemy: Enemy) -> None:
    """So is one whose key has the length of a key, and letters that no key has."""
    await refused(enemy, shake().replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"\xff" * 22 + b"=="), 400)


@attack
async def old_version(enemy: Enemy) -> None:
    """A version of WebSocket that is not spoken is refused."""
    await refused(enemy, shake().replace(b"Version: 13", b"Version: 7"), 400, 426)


@attack
async def no_version(enemy: Enemy) -> None:
    """So is none."""
    await refused(enemy, shake_without("Sec-WebSocket-Version"), 400)


@attack
async def huge_version(enemy: Enemy) -> None:
    """So is one of 5,000 digits."""
    await refused(enemy, shake().replace(b"Version: 13", b"Version: " + b"9" * 5000), 400)


@attack
async def two_versions(enemy: Enemy) -> None:
    """So are two."""
    await refused(enemy, shake("Sec-WebSocket-Version: 13"), 400)


# The rest of the head


@attack
async def unknown_subprotocols(enemy: Enemy) -> None:
    """Who speaks only what the daemon does not is refused."""
    await refused(enemy, shake("Sec-WebSocket-Protocol: presence.v9.json, mqtt"), 400)


@attack
async def hundreds_of_subprotocols(enemy: Enemy) -> None:
    """So is who offers hundreds of them."""
    await refused(enemy, shake("Sec-WebSocket-Protocol: " + ",".join(map(str, range(1000)))), 400)


@attack
async def same_subprotocol_twice(enemy: Enemy) -> None:
    """So is who offers the right one twice."""
    twice = ", ".join(["presence.v1.json"] * 2)
    await refused(enemy, shake(f"Sec-WebSocket-Protocol: {twice}"), 400)


@attack
async def extension_with_absurd_parameters(enemy: Enemy) -> None:
    """Extensions that nobody knows, or with parameters that cannot be, are not agreed on."""
    offers = "x-bomb, permessage-deflate; server_max_window_bits=99; client_max_window_bits=0"
    wire = await enemy.connect()
    wire.send(shake(f"Sec-WebSocket-Extensions: {offers}"))
    status, head = await wire.response()
    assert (status, b"Extensions" in head) in {(101, False), (400, False)}


@attack
async def hundreds_of_extensions(enemy: Enemy) -> None:
    """Hundreds of extensions neither."""
    wire = await enemy.connect()
    wire.send(shake("Sec-WebSocket-Extensions: " + ",".join(["x; a=b; c"] * 500)))
    status, head = await wire.response()
    assert (status, b"Extensions" in head) in {(101, False), (400, False)}


@attack
async def address_with_nul(enemy: Enemy) -> None:
    """A zero in the address harms nobody."""
    wire = await enemy.connect()
    wire.send(shake(line="GET /\0/..%00 HTTP/1.1"))
    assert (await wire.response())[0] in {101, 400}


@attack
async def address_with_bad_percents(enemy: Enemy) -> None:
    """Nor do escapes that are none."""
    wire = await enemy.connect()
    wire.send(shake(line="GET /%zz%%%u0000?%=%&%ff=%fe HTTP/1.1"))
    assert (await wire.response())[0] in {101, 400}


@attack
async def absolute_address(enemy: Enemy) -> None:
    """Nor does an address with a host in it; nothing is fetched from there."""
    wire = await enemy.connect()
    wire.send(shake(line="GET http://[::1/http://127.0.0.1:22/ HTTP/1.1"))
    assert (await wire.response())[0] in {101, 400}


@attack
async def address_with_thousands_of_parameters(enemy: Enemy) -> None:
    """Nor does a query with as many parameters as fit."""
    wire = await enemy.connect()
    wire.send(shake(line=f"GET /?{'a&' * 3500} HTTP/1.1"))
    assert (await wire.response())[0] in {101, 400}


@attack
async def header_without_a_colon(enemy: Enemy) -> None:
    """Nor do lines that are no headers."""
    wire = await enemy.connect()
    wire.send(shake("no header", ": no name", " : ", "\t", "\xff\xfe"))
    assert (await wire.response())[0] in {101, 400}
