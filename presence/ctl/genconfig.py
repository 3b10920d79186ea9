"""``presencectl genconfig``."""

from __future__ import annotations

from presence.ctl.command import Command, Shell


class Genconfig(Command):
    """Print a file of all options."""

    synopsis = "genconfig [options]"
    longdesc = (
        "Prints a TOML file for twistd presence --config: every option with its meaning and its "
        "default, commented out."
    )
    examples = ("genconfig > presence.toml",)

    async def run(self, shell: Shell) -> None:
        """Print it."""
        # The daemon's options take a while to import, which other commands need not wait for.
        from presence.options.reference import sample  # noqa: PLC0415 - as said above

        shell.say(sample())
