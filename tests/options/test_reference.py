"""The sample, the help and the docs have the same options, with the same defaults and meanings."""

from __future__ import annotations

import re
import runpy
import sys
import tomllib
from io import StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from presence.options import OPTIONS, Options, reference

ROOT = Path(__file__).parents[2]
SAMPLE = (ROOT / "etc" / "presence.toml").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "options.rst").read_text(encoding="utf-8")


def words(text: str) -> str:
    """Return a text on one line, without marks of comments."""
    return " ".join(text.replace("#", " ").split())


def helped() -> dict[str, str]:
    """Return what ``--help`` says of each option."""
    text = Options({}).getUsage().split("\n\n")[0]
    entries = re.split(r"\n {2,6}(?:-\w, )?--(?=\S)", text)[1:]
    return {name.strip("="): words(meaning) for name, meaning in (entry.split(None, 1) for entry in entries)}


def rows() -> dict[str, tuple[str, str]]:
    """Return the default and the meaning of each option in the tables of the docs, without their remarks."""
    row = r"^   \* - ``(\S+)``\n     -(.*?)\n     -(.*?)(?=\n   \*|\n\n|\n\Z)"
    found = re.findall(row, PAGE, re.DOTALL | re.MULTILINE)
    return {
        name: (
            words(default).strip("`"),
            re.sub("( Can be given several times.| Needs a restart.)*$", "", words(meaning)),
        )
        for name, default, meaning in found
    }


class ReferenceTests(SynchronousTestCase):
    def test_sample(self) -> None:
        """etc/presence.toml is what genconfig prints."""
        self.assertEqual(f"{reference.sample()}\n", SAMPLE)

    def test_page(self) -> None:
        """docs/options.rst ends with what presence.options.reference prints."""
        printed = StringIO()
        self.patch(sys, "stdout", printed)
        runpy.run_path(reference.__file__, run_name="__main__")
        self.assertTrue(PAGE.endswith(f"\n\n{printed.getvalue()}"))

    def test_nothing_in_effect(self) -> None:
        """The sample changes nothing as it is."""
        self.assertEqual(tomllib.loads(SAMPLE), {})

    def test_all_in_effect(self) -> None:
        """Each option of the sample is understood without its #, and is the default if there is one."""
        found = tomllib.loads(re.sub(r"^#(?=\S)", "", SAMPLE, flags=re.MULTILINE))
        self.assertEqual(list(found), list(OPTIONS))
        for name, option in OPTIONS.items():
            value = option.of_toml(found[name])
            self.assertEqual(option.default in {None, (), value}, True, name)

    def test_restart(self) -> None:
        """The tables say of which options a change needs a restart."""
        row = r"\* - ``(\S+)``(?:(?!\* -).)*?Needs\s+a\s+restart\."
        fixed = {name for name, option in OPTIONS.items() if option.fixed}
        self.assertEqual(set(re.findall(row, PAGE, re.DOTALL)), fixed)

    def test_help_and_docs(self) -> None:
        """The help and the tables have each option of the sample, with its default and its meaning."""
        said, documented = helped(), rows()
        self.assertEqual(list(documented), re.findall(r"^#([a-z]\S+) = ", SAMPLE, re.MULTILINE))
        self.assertEqual(set(said) - set(documented), {"config", "help", "version"})
        for name, (default, meaning) in documented.items():
            self.assertIn(meaning, words(SAMPLE))
            self.assertTrue(said[name].startswith(meaning), name)
            self.assertIn(f"[default: {default}]" if default else "Required", said[name])
