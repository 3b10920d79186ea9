"""``presencectl checkconfig``."""

from __future__ import annotations

from twisted.python import usage

from presence.ctl.command import Command, Failed, Shell


class Checkconfig(Command):
    """Check a file of options as the daemon would."""

    synopsis = "checkconfig [options] [FILE]"
    longdesc = (
        "Reads FILE, or the file that PRESENCE_CONFIG names, and the environment, as the daemon would "
        "without any flag, but starts nothing. Prints each option with its value and where that comes "
        "from; or, with exit code 1, what is wrong."
    )
    examples = ("checkconfig /etc/presence/presence.toml", "checkconfig")

    def parseArgs(self, file: str | None = None) -> None:
        """Note the file."""
        self["file"] = file

    async def run(self, shell: Shell) -> None:
        """Check it, and tell what is in effect."""
        # See genconfig.
        from presence.options import OPTIONS, Options  # noqa: PLC0415 - as said there
        from presence.options.option import toml  # noqa: PLC0415 - as said there
        from presence.options.sources import strangers  # noqa: PLC0415 - as said there

        options = Options(shell.environ)
        try:
            options.parseOptions([] if self["file"] is None else [f"--config={self['file']}"])
        except usage.UsageError as problem:
            raise Failed(str(problem)) from None
        for name, option in OPTIONS.items():
            value = options[name]
            words = f"({option.otherwise or 'none'})" if value in {None, ()} else toml(value)
            shell.say(f"{name} = {words}  # {options.choices[name].source}")
        for stranger in strangers(shell.environ, OPTIONS):
            shell.say(f"# {stranger} is no option of the daemon, which takes no notice of it")
