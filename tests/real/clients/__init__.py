"""Scripts that talk to the daemon by libraries other than its own; each prints what it saw as JSON."""
