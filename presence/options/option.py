"""What an option is: a name, a meaning, a default, and how its value is read from each source."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import attrs

PREFIX = "PRESENCE_"


def toml(value: object) -> str:
    """Return a value as it is written in TOML."""
    if isinstance(value, float):
        return repr(int(value) if value.is_integer() else value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _not_taken(value: object, what: str) -> ValueError:
    return ValueError(f"{toml(value)}: give {what}")


@attrs.frozen
class Option:
    """
    An option that is a text.

    Whatever reads it raises ``ValueError`` with the value and what to give instead, in one line.

    :ivar meaning: Its help, in full sentences.
    :ivar default: What holds when it is not given; None when that is no value.
    :ivar check: Makes a value of the text; a ``ValueError`` of it says what to give.
    :ivar otherwise: What holds when it is not given, in words, where the default is no value.
    :ivar example: What to show of it, where the default is no value.
    :ivar fixed: Whether it matters at the start only, so that a change of it needs a restart.
    """

    name: str
    meaning: str
    default: Any = attrs.field(default=None, kw_only=True)
    check: Callable[[str], Any] = attrs.field(default=str, kw_only=True)
    otherwise: str = attrs.field(default="", kw_only=True)
    example: Any = attrs.field(default=None, kw_only=True)
    short: str = attrs.field(default="", kw_only=True)
    fixed: bool = attrs.field(default=False, kw_only=True)

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.name.upper().replace("-", "_")

    @property
    def default_text(self) -> str:
        """What holds when it is not given; empty where it has to be."""
        if self.otherwise or self.default is None:
            return self.otherwise
        match self.default:
            case str(text):
                return text
            case tuple(texts):
                return " ".join(texts)
            case number:
                return toml(number)

    @property
    def shown(self) -> Any:  # noqa: ANN401 - of any type
        """A value to begin with: the default, if it is one."""
        return self.default if self.example is None else self.example

    @property
    def help(self) -> str:
        """What ``--help`` says."""
        return f"{self.meaning} [default: {self.default_text}]" if self.default_text else self.meaning

    def of_arguments(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - of any type
        """Read what the command line gave, each time it gave it."""
        return self._read(texts[-1])

    def of_variable(self, text: str) -> Any:  # noqa: ANN401 - of any type
        """Read what the environment gave."""
        return self._read(text)

    def of_toml(self, value: object) -> Any:  # noqa: ANN401 - of any type
        """Read what the file gave."""
        if not isinstance(value, str):
            raise _not_taken(value, "a text, in quotes")
        return self._read(value)

    def _read(self, text: str) -> Any:  # noqa: ANN401 - of any type
        try:
            return self.check(text)
        except ValueError as problem:
            raise ValueError(f"{text if text.isprintable() else repr(text)}: {problem}") from None


@attrs.frozen
class Figure(Option):
    """An option that is a number."""

    def of_toml(self, value: object) -> Any:  # noqa: ANN401 - of any type
        """Read a number, which in TOML has no quotes."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _not_taken(value, "a number, without quotes")
        return self._read(str(value))


@attrs.frozen
class Flag(Option):
    """An option that is off, or on; the command line can only turn it on."""

    default: bool = attrs.field(default=False, kw_only=True)

    def of_arguments(self, texts: Sequence[str]) -> bool:  # noqa: ARG002 - it is there
        """Turn it on."""
        return True

    def of_variable(self, text: str) -> bool:
        """Read it as TOML writes it."""
        if text not in {"true", "false"}:
            raise ValueError(f"{text}: give true or false")
        return text == "true"

    def of_toml(self, value: object) -> bool:
        """Read what the file gave."""
        if not isinstance(value, bool):
            raise _not_taken(value, "true or false, without quotes")
        return value


@attrs.frozen
class Several(Option):
    """An option that can be given several times: a list in the file, words in the environment."""

    default: tuple[str, ...] = attrs.field(default=(), kw_only=True)

    @property
    def help(self) -> str:
        """What ``--help`` says."""
        return f"{self.meaning} Repeatable. [default: {self.default_text}]"

    def of_arguments(self, texts: Sequence[str]) -> tuple[Any, ...]:
        """Read all that the command line gave."""
        return tuple(map(self._read, texts))

    def of_variable(self, text: str) -> tuple[Any, ...]:
        """Read words with spaces between them."""
        return self.of_arguments(text.split())

    def of_toml(self, value: object) -> tuple[Any, ...]:
        """Read a list of texts."""
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _not_taken(value, f"a list of texts, such as {toml(self.shown)}")
        return self.of_arguments(value)
