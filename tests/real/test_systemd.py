"""What systemd hears of a process."""

from __future__ import annotations

from uuid import uuid4

from twisted.internet import reactor
from twisted.internet.defer import DeferredQueue
from twisted.internet.interfaces import IReactorUNIXDatagram
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import TestCase

from tests.real.account_api import USER, serve_api
from tests.real.processes import NO_FAULT, PRESENCE, TWISTD, reserve_port, spawn
from tests.real.talker import talk
from tests.real.test_endpoints import to


class Systemd(DatagramProtocol):
    """Listens where systemd would."""

    def __init__(self) -> None:
        self.heard: DeferredQueue[str] = DeferredQueue()

    def datagramReceived(self, datagram: bytes, _addr: object) -> None:
        """Keep it."""
        self.heard.put(datagram.decode())


class NotifyTests(TestCase):
    timeout = 20

    async def test_life(self) -> None:
        """It is ready when clients get in, alive, reads again on SIGHUP, and says that it stops."""
        systemd, name = Systemd(), f"presence-{uuid4().hex}"
        listening = IReactorUNIXDatagram(reactor).listenUNIXDatagram(f"\0{name}", systemd, 8192, 0o600)
        self.addCleanup(listening.stopListening)
        api, port = await serve_api(self), reserve_port(self)
        daemon = spawn(
            self,
            *(*TWISTD, *PRESENCE, "--api-url", api.url, "-e", f"tcp:{port}:interface=127.0.0.1"),
            environment={"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "600000000"},
        )
        self.assertEqual(await systemd.heard.get(), "READY=1")
        client = await talk(self, to(port))
        self.assertEqual((await client.hello(USER.id, api.token(USER.id)))["type"], "OK")
        self.assertEqual(await systemd.heard.get(), "WATCHDOG=1")
        daemon.signal("HUP")
        self.assertRegex(await systemd.heard.get(), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual(await systemd.heard.get(), "READY=1")
        daemon.signal("TERM")
        self.assertEqual(await systemd.heard.get(), "STOPPING=1")
        self.assertEqual(await daemon.ended, 0)
        self.assertRegex(daemon.printed, NO_FAULT)
