"""Tests of the Autobahn side."""
