"""The pages of the documentation, and what stands in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def pages() -> dict[str, str]:
    """Return the text of each page, the README's included, by its path in the project."""
    paths = [ROOT / "README.rst", *sorted(DOCS.rglob("*.rst"))]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def frames(text: str, arrow: str) -> list[bytes]:
    """Return the example frames that go in one direction."""
    return [line.encode() for line in re.findall(rf"^ +{arrow} (.+)$", text, re.MULTILINE)]


def shell_commands(text: str) -> list[str]:
    """Return the commands in the blocks of shell, with lines that go on joined."""
    blocks = re.findall(r"^\.\. code-block:: sh\n\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
