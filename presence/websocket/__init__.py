"""The Autobahn side: bytes to requests, replies and events to bytes."""
