"""Tests of who may connect, and of who may ask for how much."""
