"""The options of ``twistd presence``: from the command line, the environment and a file."""

from presence.options.command_line import Options
from presence.options.table import DEFAULT_ENDPOINT, OPTIONS

__all__ = ["DEFAULT_ENDPOINT", "OPTIONS", "Options"]
