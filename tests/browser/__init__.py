"""Tests of the demo page in real browsers."""
