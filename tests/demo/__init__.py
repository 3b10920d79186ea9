"""Tests of ``presence.demo``."""
