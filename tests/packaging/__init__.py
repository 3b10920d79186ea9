"""Tests of what is shipped: the package, the documents, the unit file."""
