"""Tests of what is shipped: the package and the documents."""
