from pathlib import Path
from random import SystemRandom

from twisted.application.service import Application
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

from presence.config import Settings
from presence.tap import make_daemon
from signed_tokens import SignedTokens

settings = Settings(max_sockets_per_user=4)
description = "tcp:8080:interface=127.0.0.1:backlog=4096"
tokens = SignedTokens(Path("token-key").read_bytes(), reactor)

application = Application("presence")
parts = make_daemon(
    settings, {description: serverFromString(reactor, description)}, tokens, reactor, SystemRandom()
)
parts.service.setServiceParent(application)
