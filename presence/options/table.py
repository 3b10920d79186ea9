"""
Every option of ``twistd presence``, told once.

The flags, the names in the environment and in the file, ``--help``, ``etc/presence.toml`` and
the tables of ``docs/options.rst`` come from here. An option that is a number of
:class:`~presence.config.Settings` is told there, and is here by itself.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from urllib.parse import SplitResult, urlsplit

import attrs
from twisted.logger import LogLevel

from presence.admission.origins import normalize_origin
from presence.config import SECONDS, Network, Number, Settings
from presence.options.option import Figure, Flag, Option, Several

DEFAULT_ENDPOINT = "tcp:8080:interface=127.0.0.1:backlog=4096"
DEFAULT_OPS_ENDPOINT = "tcp:8081:interface=127.0.0.1"
DEFAULT_DEMO_ENDPOINT = "tcp:8000:interface=127.0.0.1"

_DEPENDING = {
    "settle": "as --offline-delay; with --demo 0",
    "drain": f"{Settings().drain:g}; with --demo 0",
    "max_connections": "what the limit of open files allows",
    "max_unidentified": "half of --max-connections, at most 5000",
}
"""What depends on something else when it is not given."""

_AT_THE_START = {"accept_rate", "settle", "demo_visitors"}
"""The numbers of which a change needs a restart."""

_HOST = re.compile(r"[\w.:-]+")


def split_address(text: str) -> SplitResult | None:
    """Return the parts of an ``http://`` or ``https://`` address; None when it is no plain one."""
    try:
        parts = urlsplit(text)
        plain = parts.port != 0 and not parts.username and not parts.fragment
    except ValueError:  # from urlsplit and its port
        return None
    good = plain and parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.hostname or "")
    return parts if good else None


def _api_url(text: str) -> str:
    parts = split_address(text)
    if parts is None or parts.query:
        raise ValueError("give an address such as https://api.example.com/v1")
    return text


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError("give an address or a network, such as 10.0.0.7 or 10.0.0.0/8") from None


def _on_or_off(text: str) -> str:
    if text not in {"on", "off"}:
        raise ValueError("give on or off")
    return text


def _log_level(text: str) -> str:
    names = [level.name for level in LogLevel.iterconstants()]
    if text not in names:
        raise ValueError(f"give one of {', '.join(names)}")
    return text


def _figure(name: str, default: float | None, number: Number) -> Figure:
    option, fixed = name.replace("_", "-"), name in _AT_THE_START
    if name in _DEPENDING:
        words = _DEPENDING[name]
        return Figure(option, number.meaning, check=number, otherwise=words, example=default, fixed=fixed)
    return Figure(option, number.meaning, check=number, default=default, fixed=fixed)


NUMBERS = {
    field.name: _figure(field.name, field.default, field.metadata[Number])
    for field in attrs.fields(Settings)
    if Number in field.metadata
}
"""The options that are numbers of ``Settings``, by the names that they have there."""


def _is_time(name: str) -> bool:
    number: Number = attrs.fields_dict(Settings)[name].metadata[Number]
    return number.what == SECONDS


GROUPS: dict[str, tuple[Option, ...]] = {
    "Where clients connect": (
        Several(
            "endpoint",
            "Listen there: tcp:, ssl:, tls:, unix:, systemd: or haproxy:, as Twisted writes it.",
            default=(DEFAULT_ENDPOINT,),
            short="e",
            fixed=True,
        ),
        Option(
            "tls-cert",
            "PEM file of a certificate, for TLS on each endpoint that has none.",
            otherwise="no TLS there",
            example="/etc/presence/tls/fullchain.pem",
            fixed=True,
        ),
        Option(
            "tls-key",
            "PEM file of its key.",
            otherwise="the file of --tls-cert",
            example="/etc/presence/tls/privkey.pem",
            fixed=True,
        ),
        Several(
            "allowed-origin",
            "Let pages of this origin connect, as https://www.example.com.",
            check=normalize_origin,
            otherwise="pages of all origins, since tokens tell who it is",
            example=("https://www.example.com",),
        ),
        Several(
            "trusted-proxy",
            "Believe X-Forwarded-For from this address or network, as 10.0.0.0/8.",
            check=_network,
            otherwise="from nobody",
            example=("10.0.0.0/8",),
        ),
    ),
    "The account API": (
        Option(
            "api-url",
            "The platform's account API; a token is checked at {api-url}/users/me. Required, unless --demo.",
            check=_api_url,
            example="https://api.example.com/v1",
            fixed=True,
        ),
        Option(
            "api-ca",
            "PEM file of the authority of the API's certificate.",
            otherwise="those of the system",
            example="/etc/presence/authority.pem",
            fixed=True,
        ),
        Flag(
            "allow-insecure-api",
            "Let tokens and webhooks travel in the clear to an http:// address elsewhere.",
            fixed=True,
        ),
        Option(
            "user-id-field",
            "Where the API's answer names the user: keys joined by dots.",
            otherwise="id, else data.id",
            example="data.id",
            fixed=True,
        ),
        Flag(
            "trust-claimed-userid",
            "Believe HELLO's user id when the API names no user: anybody can be anybody.",
            fixed=True,
        ),
    ),
    "Operators and the platform": (
        Option(
            "ops-endpoint",
            "Where operators and the platform ask: health, metrics, HTTP API; none for nowhere.",
            default=DEFAULT_OPS_ENDPOINT,
            fixed=True,
        ),
        Option(
            "ops-key-file",
            "File with the key of the HTTP API, which the platform shows.",
            otherwise="none, and no API",
            example="/etc/presence/ops-key",
        ),
        Several(
            "ops-host",
            "Answer on the operations endpoint to this name too, as ops.example.com.",
            check=str.lower,
            otherwise="localhost and IP addresses",
            example=("ops.example.com",),
        ),
        Option(
            "webhook",
            "Where to POST who comes and goes, as signed JSON.",
            otherwise="nowhere",
            example="https://www.example.com/presence",
            fixed=True,
        ),
        Option(
            "webhook-secret-file",
            "File with the secret that signs webhooks.",
            otherwise="none",
            example="/etc/presence/webhook-secret",
            fixed=True,
        ),
    ),
    "Times": tuple(option for name, option in NUMBERS.items() if _is_time(name)),
    "Limits": tuple(option for name, option in NUMBERS.items() if not _is_time(name)),
    "Frames and logs": (
        Option(
            "compression",
            "Whether frames of 1 kB and more go compressed to clients that can read it: on or off.",
            default="on",
            check=_on_or_off,
        ),
        Flag(
            "no-fast-path",
            "Let all bytes go the long way through Autobahn and Twisted, to find a fault.",
        ),
        Option(
            "log-level",
            "The least level to log: debug, info, warn, error, critical.",
            default="info",
            check=_log_level,
        ),
    ),
    "The demo": (
        Flag("demo", "Bring an account API, accounts and a page, to try it on this machine.", fixed=True),
        Option(
            "demo-endpoint",
            "Where the demo's page and account API listen.",
            default=DEFAULT_DEMO_ENDPOINT,
            fixed=True,
        ),
        _figure(
            "demo_visitors",
            5,
            Number("How many simulated users come and go in the demo; 0 for none.", "a number", 0, 1000, int),
        ),
    ),
}
"""All options, as the sample and the docs group them."""

OPTIONS: dict[str, Option] = {option.name: option for group in GROUPS.values() for option in group}
"""All options, by their names."""
