"""
All options, written down: the sample of a file, and the tables of ``docs/options.rst``.

``python -m presence.options.reference`` prints the tables.
"""

from __future__ import annotations

import sys
from textwrap import fill

from presence.options.option import Option, Several, toml
from presence.options.table import GROUPS

_WIDTH = 100

_HEAD = """\
# Options of the presence daemon, for: twistd presence --config FILE
#
# Each stands here with its default, or with an example where the default is said in words.
# Take away the # before it to change it, and have the file checked: presencectl checkconfig FILE
#
# A variable of the environment (PRESENCE_OFFLINE_DELAY=5) goes before this file, and a flag
# (--offline-delay 5) before both. A secret never stands here, only the name of a file that has it.
"""


def sample() -> str:
    """Return a TOML file with all options, none of them in effect."""
    sections = [[f"\n# ---- {title} ----", *map(_entry, options)] for title, options in GROUPS.items()]
    return "\n".join([_HEAD.rstrip(), *(entry for section in sections for entry in section)])


def _entry(option: Option) -> str:
    words = f"{option.meaning} Default: {option.otherwise}." if option.otherwise else option.meaning
    comment = fill(words, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
    return f"\n{comment}\n#{option.name} = {toml(option.shown)}"


def tables() -> str:
    """Return a section of reStructuredText that has a table of each group."""
    return "\n\n".join(["All options\n-----------", *map(_table, GROUPS, GROUPS.values())])


def _table(title: str, options: tuple[Option, ...]) -> str:
    head = [title, "~" * len(title), "", ".. list-table::", "   :header-rows: 1", "   :widths: 25 25 50", ""]
    rows = [("name", "default", "meaning"), *map(_cells, options)]
    return "\n".join([*head, *map(_row, rows)])


def _cells(option: Option) -> tuple[str, str, str]:
    default = option.otherwise or (f"``{option.default_text}``" if option.default_text else "")
    several = " Can be given several times." if isinstance(option, Several) else ""
    fixed = " Needs a restart." if option.fixed else ""
    return f"``{option.name}``", default, f"{option.meaning}{several}{fixed}"


def _row(cells: tuple[str, ...]) -> str:
    wrapped = [
        fill(
            cell,
            _WIDTH,
            initial_indent=" ",
            subsequent_indent=" " * 7,
            break_on_hyphens=False,
            break_long_words=False,
        )
        for cell in cells
    ]
    return "   * -" + "\n     -".join(wrapped)


if __name__ == "__main__":
    sys.stdout.write(f"{tables()}\n")
