"""The wire contract in code: pure, shared by the daemon and its clients."""
