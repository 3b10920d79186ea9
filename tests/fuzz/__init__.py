"""Hostile clients, made up by Hypothesis: see ``python -m tests.fuzz --help``."""
