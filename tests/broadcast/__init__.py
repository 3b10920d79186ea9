"""Tests of who is told of a presence change, and when."""
