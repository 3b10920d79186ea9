"""
Compression (permessage-deflate, :rfc:`7692`) that costs nothing per connection.

A frame is compressed once and goes like that to everybody who agreed to the extension. This
needs a compressor that remembers nothing from one message to the next, so both ends are
told not to; then neither keeps 32 kB and more for each connection, either.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept

LEAST_BYTES = 1024
"""How large a text must be to be worth it."""

_FASTEST = 1
_RAW = -zlib.MAX_WBITS
_END = b"\x00\x00\xff\xff"
"""What every message would end with, so that it is left out (:rfc:`7692`, section 7.2.1)."""


class _Agreement(PerMessageDeflateOfferAccept):
    """The answer to an offer, which names what Autobahn does only if the client has asked for it."""

    def get_extension_string(self) -> str:
        return "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def agree_to_deflate(offers: Iterable[object]) -> PerMessageDeflateOfferAccept | None:
    """Agree to the first offer that lets us compress with the largest window, as is done for all."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer) and not offer.request_max_window_bits:
            return _Agreement(offer, request_no_context_takeover=True, no_context_takeover=True)
    return None


def agree_to_nothing(_: Iterable[object]) -> None:
    """Speak without compression."""


def deflate(text: bytes) -> bytes:
    """Return what a compressed frame carries for a text."""
    compressor = zlib.compressobj(_FASTEST, zlib.DEFLATED, _RAW)
    return (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_END)
