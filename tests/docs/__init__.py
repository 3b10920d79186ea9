"""Tests of the documentation: what it says to type works, and what it names is there."""
