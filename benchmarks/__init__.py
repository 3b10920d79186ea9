"""What the daemon costs, beside other servers; see ``README.rst``."""
