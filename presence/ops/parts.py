"""The parts of a daemon, as whoever operates it sees them."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from presence.admission.limits import Limits
from presence.backend import Backend
from presence.broadcast import Broadcast
from presence.config import Settings
from presence.interfaces import IRoster
from presence.ops.events import Streams
from presence.relay import LocalRelay
from presence.service import PresenceService
from presence.websocket.traffic import Traffic


@attrs.frozen(kw_only=True)
class Parts:
    """
    One daemon; each part owns its state and its counts.

    :ivar reconfigure: Lets other settings hold for what begins from now on; connections that are
        open keep theirs. ``accept_rate`` and ``settle`` matter at the start only.
    """

    reconfigure: Callable[[Settings], None]
    service: PresenceService
    roster: IRoster
    broadcast: Broadcast
    relay: LocalRelay
    backend: Backend
    limits: Limits
    traffic: Traffic
    streams: Streams
