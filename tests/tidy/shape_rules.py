"""Rules on the shape of a Python source: sizes, nesting and documentation.

Each rule is a function from source text to the breaches it finds, each beginning with the line it is on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
TEST_LINES_MAX = 30
NESTING_MAX = 3
PACKAGE_DOC_LINES_MIN = 3

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def long_file(source: str) -> list[str]:
    """A file of more than FILE_LINES_MAX lines."""
    count = len(source.splitlines())
    return [f"{count}: {count} lines, at most {FILE_LINES_MAX}"] if count > FILE_LINES_MAX else []


def long_functions(source: str) -> list[str]:
    """Functions of more than FUNCTION_LINES_MAX lines from ``def`` to their end."""
    return _longer_than(source, FUNCTION_LINES_MAX, prefix="")


def long_tests(source: str) -> list[str]:
    """Test functions of more than TEST_LINES_MAX lines."""
    return _longer_than(source, TEST_LINES_MAX, prefix="test_")


def deep_nesting(source: str) -> list[str]:
    """Functions whose blocks are nested deeper than NESTING_MAX; ``elif`` does not count as deeper."""
    found = ((function, _depth(function.body)) for function in _functions(source))
    return [
        f"{function.lineno}: {function.name} nests {depth} deep, at most {NESTING_MAX}"
        for function, depth in found
        if depth > NESTING_MAX
    ]


def missing_module_doc(source: str) -> list[str]:
    """A module that does not begin by saying what it is for."""
    return [] if (ast.get_docstring(ast.parse(source)) or "").strip() else ["1: no module docstring"]


def thin_package_doc(source: str) -> list[str]:
    """A package with modules whose docstring has fewer than PACKAGE_DOC_LINES_MIN lines of text."""
    lines = [line for line in (ast.get_docstring(ast.parse(source)) or "").splitlines() if line.strip()]
    if len(lines) >= PACKAGE_DOC_LINES_MIN:
        return []
    return [f"1: the package docstring has {len(lines)} lines, at least {PACKAGE_DOC_LINES_MIN}"]


def _longer_than(source: str, lines_max: int, prefix: str) -> list[str]:
    sizes = (
        (function, (function.end_lineno or function.lineno) - function.lineno + 1)
        for function in _functions(source)
        if function.name.startswith(prefix)
    )
    return [
        f"{function.lineno}: {function.name} has {size} lines, at most {lines_max}"
        for function, size in sizes
        if size > lines_max
    ]


def _functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _depth(body: list[ast.stmt]) -> int:
    return max((1 + _depth_inside(node) for node in body if isinstance(node, _BLOCKS)), default=0)


def _depth_inside(block: ast.stmt) -> int:
    branches = [_depth(branch) for branch in _branches(block)]
    if isinstance(block, ast.If) and len(block.orelse) == 1 and isinstance(block.orelse[0], ast.If):
        branches.append(_depth_inside(block.orelse[0]))
    elif isinstance(block, ast.If):
        branches.append(_depth(block.orelse))
    return max(branches, default=0)


def _branches(block: ast.stmt) -> Iterator[list[ast.stmt]]:
    yield getattr(block, "body", [])
    yield getattr(block, "finalbody", [])
    yield [] if isinstance(block, ast.If) else getattr(block, "orelse", [])
    for part in [*getattr(block, "handlers", []), *getattr(block, "cases", [])]:
        yield part.body
