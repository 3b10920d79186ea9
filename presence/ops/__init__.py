"""The operations endpoint: how the daemon is, what it does, and the platform's way to it."""
