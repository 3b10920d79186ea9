"""A WebSocket presence daemon on Twisted and Autobahn: who is online, and a word to them at once."""

__version__ = "0.1.0"
