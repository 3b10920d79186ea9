"""Makes ``twistd presence`` known to Twisted's plugin system."""

from twisted.application.service import ServiceMaker

presence = ServiceMaker(
    "presence",
    "presence.tap",
    "WebSocket presence daemon: who is online, and a message to them at once",
    "presence",
)
