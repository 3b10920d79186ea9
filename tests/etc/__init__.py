"""What an operator copies from ``etc/``."""
