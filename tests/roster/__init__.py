"""Tests of who is online."""
