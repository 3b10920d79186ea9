"""
Bytes to messages and back.

The daemon uses :func:`decode_request` and the ``encode`` functions, the client
:func:`decode_answer` and :func:`encode`. Nothing here does I/O or keeps state;
whatever the bytes are, decoding raises :class:`BadMessage` and nothing else.

Why a frame is looked at twice when something is wrong with it: of a key that stands
there twice the later one is meant, and an error names the type and the ref that could
be read, while the fast decoder stops at the first thing it does not like.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.json import Decoder, Encoder

from presence.wire.errors import BadMessage, ErrorCode, Refused
from presence.wire.messages import (
    DEEPEST_PAYLOAD,
    EVENTS,
    LARGEST_INT,
    OK_OF,
    REQUESTS,
    Error,
    Event,
    GetAllOnline,
    Goodbye,
    Hello,
    Ok,
    Ping,
    Reply,
    Request,
    RequestRef,
    SendMessageToUser,
    SubscribeOnlineStatus,
    UnsubscribeOnlineStatus,
)

Answer = Reply | Event

_AnyRequest = (
    Hello
    | SendMessageToUser
    | SubscribeOnlineStatus
    | UnsubscribeOnlineStatus
    | GetAllOnline
    | Goodbye
    | Ping
)
_requests: Decoder[Request] = Decoder(_AnyRequest)
_ANSWERS: tuple[type[Answer], ...] = (Ok, *OK_OF.values(), Error, *EVENTS.values())
_answers = {kind: Decoder(kind) for kind in _ANSWERS}
_anything = Decoder(Raw)
_fields = Decoder(dict[str, Raw])
_ref: Decoder[str | int] = Decoder(RequestRef)
_text = Decoder(str)
_encoder = Encoder()
_LONGEST_ECHO = 64
_NUMBER = re.compile("[1-9][0-9]{0,15}")

T = TypeVar("T")


def type_of(message: Request | Reply | Event) -> str:
    """Return the ``type`` of a message on the wire."""
    tag: str = message.__struct_config__.tag  # type: ignore[assignment]  # msgspec knows numbers too
    return tag


def encode(message: Request | Event) -> bytes:
    """Encode a request or an event."""
    return _encoder.encode(message)


def encode_ok(reply: Ok, request: Request) -> bytes:
    """Encode the reply to a request; the request's type and ref go with it."""
    reply.re = type_of(request)
    reply.ref = request.ref
    return _encoder.encode(reply)


def encode_refusal(refusal: Refused, request: Request | None = None) -> bytes:
    """
    Encode a refusal.

    :param request: What was refused; a :class:`BadMessage` says by itself what
        could be read of it.
    """
    error = Error(
        code=refusal.code,
        text=refusal.text,
        temporary=refusal.temporary,
        after=refusal.after,
        path=refusal.path,
    )
    if request is not None:
        error.re, error.ref = type_of(request), request.ref
    elif isinstance(refusal, BadMessage):
        error.re, error.ref = refusal.re, refusal.ref
    return _encoder.encode(error)


def decode_request(data: bytes) -> Request:
    """
    Decode what a client sent.

    :raises BadMessage: ``bad_json``, ``unknown_type`` or ``bad_message``, judged
        in this order.
    """
    _check_text(data)
    try:
        request = _requests.decode(data)
    except msgspec.ValidationError:
        request = _decode_request_by_its_last_keys(data)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise _bad_json(problem) from None
    if type(request) is SendMessageToUser:
        if data.count(b"[") + data.count(b"{") > DEEPEST_PAYLOAD:  # else it cannot be too deep
            check_depth(request.message, request)
    elif type(request) is Hello:
        _check_label(request)
    elif type(request) is GetAllOnline:
        _check_cursor(request)
    return request


def decode_object(data: bytes, decoder: Decoder[T]) -> T:
    """
    Decode a JSON object that is no message of the protocol, as strictly as one that is.

    :raises BadMessage: ``bad_json`` or ``bad_message``, judged in this order.
    """
    _check_text(data)
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        fields = _read_fields(data)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise _bad_json(problem) from None
    try:
        return decoder.decode(_encoder.encode(fields))
    except msgspec.ValidationError as problem:
        text, path = _place(problem)
        raise BadMessage(ErrorCode.BAD_MESSAGE, text, path=path) from None


def number_in(text: str) -> int | None:
    """Return the number that stands in a text, as user ids do: in decimal, from 1; None where none does."""
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= LARGEST_INT else None


def decode_answer(data: bytes) -> Answer | None:
    """
    Decode what a server sent: a reply, an event, or None for an unknown event.

    :raises BadMessage: ``bad_json`` or ``bad_message``.
    """
    _check_text(data)
    fields = _read_fields(data)
    name = _read(fields, "type", _text)
    about = _read(fields, "re", _text)
    kind: type[Answer] | None
    if name == "OK":
        kind = OK_OF.get(about, Ok) if isinstance(about, str) else Ok
    elif name == "ERROR":
        kind = Error
    else:
        kind = EVENTS.get(name) if isinstance(name, str) else None
    if kind is None:
        return None
    try:
        return _answers[kind].decode(data)
    except msgspec.ValidationError as problem:
        text, path = _place(problem)
        raise BadMessage(ErrorCode.BAD_MESSAGE, text, re=about, path=path) from None


def _check_text(data: bytes) -> None:
    # msgspec does not look at the UTF-8 of what it skips or keeps raw.
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        raise _bad_json(problem) from None


def _bad_json(problem: Exception) -> BadMessage:
    text = "nested too deeply" if isinstance(problem, RecursionError) else str(problem)
    return BadMessage(ErrorCode.BAD_JSON, f"not JSON: {text}")


def _read_fields(data: bytes) -> dict[str, Raw]:
    try:
        _anything.decode(data)  # what is no object would else be refused before it is read to its end
        return _fields.decode(data)
    except msgspec.ValidationError as problem:
        raise BadMessage(ErrorCode.BAD_MESSAGE, f"not a JSON object: {problem}", path="$") from None
    except (msgspec.DecodeError, RecursionError) as problem:
        raise _bad_json(problem) from None


def _read(fields: dict[str, Raw], name: str, decoder: Decoder[T]) -> T | UnsetType:
    try:
        return decoder.decode(fields[name])
    except (KeyError, msgspec.DecodeError):
        return UNSET


def _decode_request_by_its_last_keys(data: bytes) -> Request:
    fields = _read_fields(data)
    ref = _read(fields, "ref", _ref)
    name = _read(fields, "type", _text)
    if isinstance(name, UnsetType):
        raise BadMessage(ErrorCode.BAD_MESSAGE, "type must be a string", ref=ref, path="$.type")
    if name not in REQUESTS:
        about = name if len(name) <= _LONGEST_ECHO else UNSET
        text = f"no such type; there are {', '.join(REQUESTS)}"
        raise BadMessage(ErrorCode.UNKNOWN_TYPE, text, re=about, ref=ref, path="$.type")
    try:
        return _requests.decode(_encoder.encode(fields))
    except msgspec.ValidationError as problem:
        text, path = _place(problem)
        raise BadMessage(ErrorCode.BAD_MESSAGE, text, re=name, ref=ref, path=path) from None


def _place(problem: msgspec.ValidationError) -> tuple[str, str]:
    text, _, path = str(problem).partition(" - at `")
    return text, path.rstrip("`") or "$"


_strings = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ONE_KIND_OF_BRACKET = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def nests_deeper_than(value: bytes, levels: int) -> bool:
    """Return whether a valid JSON value nests deeper than so many levels; ``[]`` has one."""
    if value.count(b"[") + value.count(b"{") <= levels:
        return False
    brackets = _strings.sub(b"", value).translate(_ONE_KIND_OF_BRACKET, _NO_BRACKETS)
    for _ in range(levels):
        brackets = brackets.replace(b"[]", b"")  # the innermost level
    return bool(brackets)


def check_depth(message: Raw, request: Request | None = None) -> None:
    """
    Check that a payload does not nest too deeply.

    :param request: What it came with, if that is a request of the protocol.
    :raises BadMessage: If it does.
    """
    if nests_deeper_than(bytes(message), DEEPEST_PAYLOAD):
        refusal = BadMessage(
            ErrorCode.BAD_MESSAGE, f"message is nested deeper than {DEEPEST_PAYLOAD}", path="$.message"
        )
        if request is not None:
            refusal.re, refusal.ref = type_of(request), request.ref
        raise refusal


def _check_label(request: Hello) -> None:
    if not isinstance(request.client, UnsetType) and not request.client.isprintable():
        raise BadMessage(
            ErrorCode.BAD_MESSAGE,
            "client has characters that cannot be printed",
            re=type_of(request),
            ref=request.ref,
            path="$.client",
        )


def _check_cursor(request: GetAllOnline) -> None:
    # A cursor is the last user of the page before it, so it outlives that user.
    cursor = request.cursor
    if isinstance(cursor, UnsetType) or number_in(cursor) is not None:
        return
    text = "cursor must be the next of a page before"
    raise BadMessage(ErrorCode.BAD_MESSAGE, text, re=type_of(request), ref=request.ref, path="$.cursor")
