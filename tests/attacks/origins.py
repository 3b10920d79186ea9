"""The pages of other people's sites."""

from __future__ import annotations

from tests.attacks.arena import ORIGIN
from tests.attacks.attack import Theme
from tests.attacks.enemy import Enemy
from tests.attacks.handshakes import refused
from tests.attacks.saying import shake

attack = Theme("origins")


@attack
async def unlisted_origin(enemy: Enemy) -> None:
    """The page of another site is refused."""
    await refused(enemy, shake("Origin: https://evil.example"), 403)


@attack
async def origin_that_looks_alike(enemy: Enemy) -> None:
    """So is one whose name begins or ends like a listed one."""
    for origin in (f"{ORIGIN}.evil.example", "https://evil-www.example.com", f"{ORIGIN}:444"):
        await refused(enemy, shake(f"Origin: {origin}"), 403)


@attack
async def origin_with_a_user(enemy: Enemy) -> None:
    """So is one that has the listed name where a user stands."""
    await refused(enemy, shake(f"Origin: {ORIGIN}@evil.example"), 400, 403)


@attack
async def origin_of_another_scheme(enemy: Enemy) -> None:
    """So is one without the s in https."""
    await refused(enemy, shake(f"Origin: {ORIGIN.replace('https', 'http')}"), 403)


@attack
async def origin_null(enemy: Enemy) -> None:
    """So is a page that has no origin, such as a file or a frame in a sandbox."""
    await refused(enemy, shake("Origin: null"), 400, 403)


@attack
async def two_origins(enemy: Enemy) -> None:
    """So are two, one of them listed."""
    await refused(enemy, shake(f"Origin: {ORIGIN}", "Origin: https://evil.example"), 400, 403)


@attack
async def origin_smuggled(enemy: Enemy) -> None:
    """A listed origin in the middle of another header does not help an unlisted one."""
    smuggled = f"X: x\x85Origin: {ORIGIN}"
    await refused(enemy, shake(smuggled, "Origin: https://evil.example"), 400, 403)
