"""Every document of deploy/k8s is one that a cluster takes, by the schemas of Kubernetes, which refuse the unknown.

KEDA's ScaledObject is not of Kubernetes; no schema of it is held against it.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from tests.tidy.kubernetes import FOLDER, Document, documents
from tests.tidy.tree import ROOT

SCHEMAS: dict[str, Any] = json.loads((ROOT / "tests/tidy/schemas/kubernetes-1.32.json").read_text(encoding="utf-8"))
OTHERS = {"ScaledObject"}
OVERLAYS = FOLDER / "overlays"
BUILDS = (OVERLAYS / "everything", OVERLAYS / "production" / "prepare", OVERLAYS / "production" / "finish")
ALL = [document for folder in BUILDS for document in documents(folder)]


def problems(document: Document) -> list[str]:
    """What a cluster would refuse."""
    schema = {**SCHEMAS["kinds"][document["kind"]], "$defs": SCHEMAS["$defs"]}
    found = jsonschema.Draft202012Validator(schema).iter_errors(document)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def test_every_kind_but_those_of_others_has_a_schema() -> None:
    assert {document["kind"] for document in ALL} - OTHERS <= SCHEMAS["kinds"].keys()


@pytest.mark.parametrize(
    "document",
    [document for document in ALL if document["kind"] not in OTHERS],
    ids=lambda document: f"{document['kind']}-{document['metadata']['name']}",
)
def test_document_keeps_the_schema_of_its_kind(document: Document) -> None:
    assert problems(document) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "replica"), 2),
        (("spec", "template", "spec", "containers", 0, "readinessProbe", "httpGet", "route"), "/"),
        (("spec", "template", "spec", "securityContext", "runAsNonRoot"), "yes"),
    ],
)
def test_planted_mistake_is_found(path: tuple[str | int, ...], value: object) -> None:
    document: Any = copy.deepcopy(next(d for d in ALL if d["kind"] == "Deployment"))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert problems(document)
