"""What the names in a Python source stand for, so that a rule cannot be dodged by an alias.

``import datetime as dt; dt.datetime.now`` and ``from datetime import datetime as clock; clock.now`` both
resolve to ``datetime.datetime.now``. Local assignments are not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator


def references(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every (line, dotted name) that the code refers to through its imports, called or not."""
    imported = _imported_names(tree)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in inner:
            dotted = _dotted(node, imported)
            if dotted is not None:
                yield node.lineno, dotted


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call together with the dotted name of what it calls; unresolved names are given as written."""
    imported = _imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, _dotted(node.func, imported) or _written(node.func)


def imported_modules(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every (line, module) named by an import statement; for ``from a import b`` both ``a`` and ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _imported_names(tree: ast.AST) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _dotted(node: ast.expr, imported: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return imported.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, imported)
        return None if owner is None else f"{owner}.{node.attr}"
    return None


def _written(node: ast.expr) -> str:
    return ast.unparse(node)
