"""
The directive ``zope-interface``, which documents an interface of zope.

Autodoc takes an interface for a variable: it is no class, and its methods are no functions. So this
reads the source, which also has the types that zope forgets.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from textwrap import indent
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_INDENT = " " * 3


class _Qualify(ast.NodeTransformer):
    """Gives the names in a signature the module that they are from, so that they can be links."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def visit_Name(self, node: ast.Name) -> ast.Name:
        found = getattr(self._module, node.id, None)
        home = getattr(found, "__module__", "")
        if home is not None and home.startswith("presence."):
            node.id = f"{home}.{node.id}"
        return node


def _described(head: str, text: str | None) -> str:
    return f"{head}\n\n{indent(inspect.cleandoc(text or ''), _INDENT)}\n"


def _members(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            signature = f"{node.name}({ast.unparse(node.args)}){returns}"
            yield _described(f".. method:: {signature}", ast.get_docstring(node))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call):
            head = (
                f".. attribute:: {ast.unparse(node.target)}\n{_INDENT}:type: {ast.unparse(node.annotation)}"
            )
            yield _described(head, ast.literal_eval(node.value.args[0]))


class ZopeInterface(SphinxDirective):
    """Documents the interface whose dotted name is given."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write the interface as reStructuredText, and have that read."""
        module_name, _, name = self.arguments[0].rpartition(".")
        module = importlib.import_module(module_name)
        self.env.note_dependency(inspect.getfile(module))
        tree = _Qualify(module).visit(ast.parse(inspect.getsource(module)))
        (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
        members = "\n".join(_members(found.body))
        text = _described(f".. py:class:: {self.arguments[0]}", ast.get_docstring(found))
        return self.parse_text_to_nodes(f"{text}\n{indent(members, _INDENT)}")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("zope-interface", ZopeInterface)
    return {"parallel_read_safe": True}
