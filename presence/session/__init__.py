"""What one connection is, from its opening to its end."""

from presence.session.machine import Session

__all__ = ["Session"]
