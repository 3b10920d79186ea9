"""How Sphinx makes the documentation: ``python -m sphinx -n -W -b html docs OUTPUT``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

from presence import __version__  # noqa: E402 - found by the path above

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "presence"
release = __version__
project_copyright = "the authors of presence"

extensions = ["sphinx.ext.autodoc", "interfaces"]
exclude_patterns = ["_build", "extensions"]
default_role = "literal"
highlight_language = "none"

html_theme = "furo"
html_title = f"presence {release}"
html_show_sourcelink = False

autodoc_default_options = {"members": True, "undoc-members": False}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
# Autodoc would write what an interface is instead of its name.
autodoc_type_aliases = {name: f"presence.interfaces.{name}" for name in ("IConnection", "ITokenChecker")}
python_use_unqualified_type_names = True
maximum_signature_line_length = 90

# Nothing is fetched while the documentation is built, so names of other projects lead nowhere.
nitpick_ignore_regex = [
    ("py:.*", "Collection|Deferred|Failure|Refused"),  # as the interfaces write them
    # What others get, and need not look into.
    ("py:class", r"presence\.(ops\.parts\.Parts|service\.PresenceService|session\.machine\.Session)"),
    ("py:.*", r"(twisted|zope|autobahn|msgspec)(\..*)?"),
    ("py:.*", r"(collections|enum|ipaddress|random|typing)(\..*)?"),
]


def _name_defaults(*arguments: Any) -> tuple[str, str | None] | None:  # noqa: ANN401 - Sphinx calls it
    *_, signature, returns = arguments
    if signature is None:
        return None
    # What attrs writes shows a default that is a function as no Python, and the whole then as one line.
    return re.sub(r"<(?:function|class) '?(\w+)'?>", r"\1", signature), returns


def setup(app: Sphinx) -> None:
    """Make signatures that can be read."""
    app.connect("autodoc-process-signature", _name_defaults)
