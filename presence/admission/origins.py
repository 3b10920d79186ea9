"""The web origins whose pages may connect."""

from __future__ import annotations

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalize_origin(origin: str) -> str:
    """
    Return an origin in one spelling: lower case, with its port only where it matters.

    :raises ValueError: With what to give instead of what is no ``http`` or ``https`` origin
        (:rfc:`6454`, section 6).
    """
    try:
        parts = urlsplit(origin)
        scheme, named_port = parts.scheme, parts.port
    except ValueError:
        scheme = ""
    if scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        raise ValueError("give an origin, such as https://www.example.com")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("give no more than scheme, host and port")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = named_port or _DEFAULT_PORTS[scheme]
    return f"{scheme}://{host}" if port == _DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


def admits_origin(allowed: frozenset[str], origin: str | None) -> bool:
    """
    Return whether a page of this origin may connect.

    :param allowed: Normalised origins; empty for all.
    :param origin: The ``Origin`` header; empty or None when there is none, as from
        programs that are no browsers, which are kept out by their token alone.
    """
    if not allowed or not origin:
        return True
    try:
        return normalize_origin(origin) in allowed
    except ValueError:
        return False
