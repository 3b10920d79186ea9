"""Tests of ``presencectl``."""
