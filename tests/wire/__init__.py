"""Tests of the wire contract: plain values in, plain values out."""
