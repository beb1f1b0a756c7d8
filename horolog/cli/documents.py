"""The generated reference documents: which there are, writing them, and telling whether they are up to date."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from horolog.cli.asyncapi import asyncapi_document, message_schema
from horolog.cli.metric_reference import metric_reference
from horolog.cli.reasons import reason_reference
from horolog.cli.reference import command_reference
from schemas.registry import MODEL_OF_TYPE

_SCHEMAS = Path("schemas")


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the REST API."""
    from services.api import app  # noqa: PLC0415 - the other documents need no web framework

    return app.openapi_document()


def documents() -> dict[Path, str]:
    """The text of every generated document, by its path below the documents' folder."""
    found = {
        Path("openapi.json"): _json(openapi_document()),
        Path("asyncapi.json"): _json(asyncapi_document()),
        Path("cli.md"): command_reference(),
        Path("reasons.md"): reason_reference(),
        Path("metrics.md"): metric_reference(),
    }
    for name, model in MODEL_OF_TYPE.items():
        found[_SCHEMAS / f"{name}.json"] = _json(message_schema(model))
    return found


def stale(directory: Path, wanted: Mapping[Path, str]) -> list[Path]:
    """The documents that are missing or differ, and the schemas of types that are no more."""
    differing = [path for path, text in wanted.items() if _read(directory / path) != text]
    left_over = {path.relative_to(directory) for path in (directory / _SCHEMAS).glob("*.json")} - wanted.keys()
    return sorted([*differing, *left_over])


def write(directory: Path, wanted: Mapping[Path, str]) -> list[Path]:
    """Bring the folder up to date; the paths that were written or removed."""
    changed = stale(directory, wanted)
    for path in changed:
        place = directory / path
        if path not in wanted:
            place.unlink()
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(wanted[path], encoding="utf-8")
    return changed


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
