"""The programs that docs/howto/extending.rst shows."""
