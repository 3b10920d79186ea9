"""
A Twisted client of presence: the protocol's requests as methods that return Deferreds.

.. code-block:: python

    from random import random
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react
    from presence.client import PresenceClient


    async def greet(reactor):
        connected = Deferred()
        client = PresenceClient(
            "wss://presence.example.com/",
            on_connected=lambda: connected.callback(None),
            on_event=print,
            random=random,
            reactor=reactor,
        )
        client.start()
        await connected
        await client.hello(2, access_token)
        reply = await client.send_message_to_user(1, {"text": "hi"})
        print(f"{reply.delivered} sockets took it")
        await client.stop()


    react(greet)

A connection that was lost comes back by itself, but as a new one: say ``hello`` and
subscribe again in ``on_connected``.
"""

from presence.client.backoff import Backoff
from presence.client.client import PresenceClient
from presence.client.connection import ConnectionEnded, Direction, NotConnected

__all__ = ["Backoff", "ConnectionEnded", "Direction", "NotConnected", "PresenceClient"]
