"""Tests with real processes, real sockets and clients that were not written here."""
