"""Tests of ``presence.ops``."""
