"""Rules on what a Python source does: hidden clocks and randomness, awaiting in pure code, requests, and test manners.

Each rule is a function from source text to the breaches it finds, each beginning with the line it is on.
"""

from __future__ import annotations

import ast
import sys

from tests.tidy.names import calls, imported_modules, references

HIDDEN_INPUTS = {
    "datetime.datetime.now": "the Clock port",
    "datetime.datetime.utcnow": "the Clock port",
    "datetime.datetime.today": "the Clock port",
    "datetime.date.today": "the Clock port",
    "time.time": "the Clock port",
    "time.time_ns": "the Clock port",
    "uuid.uuid1": "the Ids port",
    "uuid.uuid4": "the Ids port",
}

_SKIPS = ("pytest.skip", "pytest.xfail", "pytest.importorskip", "pytest.mark.skip", "pytest.mark.xfail")
_DOUBLES = ("unittest.mock", "mock", "pytest_mock")
_SLEEPS = ("asyncio.sleep", "time.sleep", "anyio.sleep")
_CLIENTS = ("Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "create_ssl_context")
_SHORTCUTS = ("get", "options", "head", "post", "put", "patch", "delete", "request", "stream")


def hidden_inputs(source: str) -> list[str]:
    """Time, ids or randomness taken in place instead of being passed in; a mere reference counts."""
    tree = ast.parse(source)
    found = {*references(tree), *imported_modules(tree)}
    return [
        f"{line}: {name}; use {HIDDEN_INPUTS.get(name, 'randomness that is passed in')}"
        for line, name in sorted(found)
        if name in HIDDEN_INPUTS or name.partition(".")[0] == "random"
    ]


def awaiting(source: str) -> list[str]:
    """Anything asynchronous: pure code computes, its callers wait."""
    waits = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    return [f"{node.lineno}: asynchronous" for node in ast.walk(ast.parse(source)) if isinstance(node, waits)]


def foreign_to_domain(source: str) -> list[str]:
    """Imports other than of the standard library, pydantic, schemas and the core itself."""
    allowed = {*sys.stdlib_module_names, "pydantic", "schemas", "horolog"}
    modules = sorted(set(imported_modules(ast.parse(source))))
    return [f"{line}: imports {name}" for line, name in modules if name.partition(".")[0] not in allowed]


def led_astray(source: str) -> list[str]:
    """Requests that would go by a proxy of the environment, or on to where an answer sends them.

    What is passed on as a whole (`**options`) is a setting's, and that setting's own tests'.
    """
    breaches = []
    for call, name in calls(ast.parse(source)):
        library, _, what = name.rpartition(".")
        if any(keyword.arg == "follow_redirects" for keyword in call.keywords):
            breaches.append(f"{call.lineno}: {ast.unparse(call)}; a redirection is an answer")
        if library == "httpx" and (what in _SHORTCUTS or (what in _CLIENTS and not _ignores_environment(call))):
            breaches.append(f"{call.lineno}: {ast.unparse(call)}; say trust_env=False")
    return breaches


def timed_sleep(source: str) -> list[str]:
    """Sleeping for a number in a test. ``asyncio.sleep(0)``, which only yields, is allowed."""
    return [
        f"{call.lineno}: {ast.unparse(call)}; await a signal with a deadline"
        for call, name in calls(ast.parse(source))
        if (name in _SLEEPS or name == "sleep") and not _only_yields(call, name)
    ]


def skipped_test(source: str) -> list[str]:
    """Skipping or expecting failure; what cannot run is deselected in one place, the Kafka gate."""
    found = sorted(set(references(ast.parse(source))))
    return [f"{line}: {name}" for line, name in found if name.startswith(_SKIPS)]


def mocking(source: str) -> list[str]:
    """Mocks and monkeypatching, in place of fakes behind ports."""
    tree = ast.parse(source)
    imports = {(line, name) for line, name in imported_modules(tree) if name.startswith(_DOUBLES)}
    patched = {(node.lineno, node.arg) for node in ast.walk(tree) if isinstance(node, ast.arg)}
    patched = {(line, name) for line, name in patched if name in {"monkeypatch", "mocker"}}
    return [f"{line}: {name}" for line, name in sorted(imports | patched)]


def unclear_test(source: str) -> list[str]:
    """Tests in classes, and test names that say "should" instead of stating what is so."""
    breaches = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            breaches.append(f"{node.lineno}: class {node.name}; tests are plain functions")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_wishful(node.name):
            breaches.append(f"{node.lineno}: {node.name}; state what is so")
    return breaches


def _ignores_environment(call: ast.Call) -> bool:
    said = [keyword.value for keyword in call.keywords if keyword.arg in ("trust_env", None)]
    return any(not isinstance(value, ast.Constant) or value.value is False for value in said)


def _only_yields(call: ast.Call, name: str) -> bool:
    duration = call.args[0] if call.args else None
    if duration is None or not _is_number(duration):
        return name != "time.sleep"
    return name == "asyncio.sleep" and isinstance(duration, ast.Constant) and duration.value == 0


def _is_number(node: ast.expr) -> bool:
    return all(
        isinstance(part, ast.Constant | ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop) for part in ast.walk(node)
    )


def _is_wishful(name: str) -> bool:
    return name.startswith("test_") and "should" in name.split("_")
