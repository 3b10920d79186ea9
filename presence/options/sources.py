"""
Where options come from: a TOML file, the environment, and the command line, which goes before both.

What is wrong raises ``ValueError`` with one line that names the place and the remedy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import attrs

from presence.options.option import PREFIX, Option

CONFIG_VARIABLE = f"{PREFIX}CONFIG"
"""The environment's way to name the file."""

_A_TYPO = 0.8
"""How much alike (by difflib) an unknown variable and an option have to be for a typo; two letters of ten."""


@attrs.frozen
class Choice:
    """
    The value of an option, and who chose it.

    :ivar source: ``default``, ``file``, ``environment`` or ``command line``.
    :ivar place: Where it stands, for a message about it.
    """

    value: Any
    source: str
    place: str


def defaults(options: Mapping[str, Option]) -> dict[str, Choice]:
    """Return what holds where nothing is given."""
    return {name: Choice(option.default, "default", f"--{name}") for name, option in options.items()}


def of_file(path: str, options: Mapping[str, Option]) -> dict[str, Choice]:
    """Read a TOML file."""
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise ValueError(f"cannot read {path}: {problem.strerror}") from None
    except ValueError as problem:  # a TOMLDecodeError, which tells the line, or bytes that are no UTF-8
        raise ValueError(f"{path} is no TOML: {problem}; presencectl genconfig prints a sample") from None
    for key in (key for key in found if key not in options):
        (guess,) = get_close_matches(key, options, 1) or ("",)
        remedy = f"did you mean {guess}?" if guess else "presencectl genconfig prints all"
        raise ValueError(f"{path}: there is no option {key!r}; {remedy}")
    return {
        name: _choose("file", f"{path}: {name}", options[name].of_toml, value)
        for name, value in found.items()
    }


def of_environment(environment: Mapping[str, str], options: Mapping[str, Option]) -> dict[str, Choice]:
    """
    Read the ``PRESENCE_*`` variables; an empty one counts as none, as compose files make them.

    An unknown variable is refused where it looks like an option: a typo would say nothing
    otherwise. Any other is left alone (see :func:`strangers`).
    """
    names = [option.variable.removeprefix(PREFIX) for option in options.values()]
    for stranger in strangers(environment, options):
        for guess in get_close_matches(stranger.removeprefix(PREFIX), names, 1, _A_TYPO):
            raise ValueError(f"{stranger}: there is no such option; did you mean {PREFIX}{guess}?")
    return {
        name: _choose("environment", option.variable, option.of_variable, environment[option.variable])
        for name, option in options.items()
        if environment.get(option.variable)
    }


def strangers(environment: Mapping[str, str], options: Mapping[str, Option]) -> list[str]:
    """
    Return the ``PRESENCE_*`` variables that are no options.

    Others have a right to such names: ``presencectl`` (``PRESENCE_TOKEN``), and Kubernetes, which
    gives every container ``PRESENCE_PORT`` and more for a service that is called so. Where there
    is an option ``x-file``, ``PRESENCE_X`` is the secret that else stands in the file.
    """
    known = {option.variable for option in options.values()} | {CONFIG_VARIABLE}
    return sorted(
        name for name in environment if name.startswith(PREFIX) and known.isdisjoint({name, f"{name}_FILE"})
    )


def of_command_line(given: Mapping[str, Sequence[str]], options: Mapping[str, Option]) -> dict[str, Choice]:
    """Read the values of the flags that were given, each with all that it was given."""
    return {
        name: _choose("command line", f"--{name}", options[name].of_arguments, texts)
        for name, texts in given.items()
    }


def _choose(source: str, place: str, read: Callable[[Any], Any], given: Any) -> Choice:  # noqa: ANN401 - of any type
    try:
        return Choice(read(given), source, place)
    except ValueError as problem:
        raise ValueError(f"{place} {problem}") from None
