"""SIGHUP: the options are read again, and those take effect that can while the daemon runs."""

from __future__ import annotations

from twisted.python import usage

from presence.logs import logger, set_level
from presence.ops.parts import Parts
from presence.ops.places import Access
from presence.options import OPTIONS, Options

_log = logger(__name__)


class Reloading:
    """
    Reads the options of a daemon again.

    What is open keeps what it began with. An option that matters at the start only is named in
    the log when it was changed, and a source with a mistake in it changes nothing.

    :param options: What the daemon was started with.
    """

    def __init__(self, options: Options, parts: Parts, access: Access) -> None:
        self._options = options
        self._running = {name: choice.value for name, choice in options.choices.items()}
        self._parts = parts
        self._access = access

    def reload(self) -> None:
        """Read them, let them hold, and say in the log what is different."""
        try:
            options = self._options.anew()
        except usage.UsageError as problem:
            _log.error("nothing is changed: {problem}", problem=str(problem))
            return
        values = {name: choice.value for name, choice in options.choices.items()}
        changed = [name for name, value in values.items() if value != self._running[name]]
        fixed = [name for name in changed if OPTIONS[name].fixed]
        taken = [name for name in changed if name not in fixed]
        if options.ops_key != self._access.key:
            taken.append("the key of the HTTP API")
        self._running.update({name: values[name] for name in changed if name not in fixed})
        set_level(options["log-level"])
        self._parts.reconfigure(options.settings)
        self._access.key, self._access.hosts = options.ops_key, frozenset(options["ops-host"])
        _log.info("options read again; changed: {changed}", changed=", ".join(taken) or "nothing")
        if fixed:
            _log.warn("changed, but needs a restart: {fixed}", fixed=", ".join(fixed))
