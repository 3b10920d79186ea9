"""Tests of what one connection is, from its opening to its end."""
