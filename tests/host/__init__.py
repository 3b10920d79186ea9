"""Tests of the process and its machine."""
