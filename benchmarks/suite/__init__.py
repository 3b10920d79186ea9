"""The parts of ``benchmarks/run``; only the standard library is used in here."""
