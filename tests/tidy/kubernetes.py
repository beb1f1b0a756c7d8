"""The documents of deploy/k8s as a cluster would get them: rendered by kubectl where there is one, else as they stand.

Without kubectl, patches, generators and names of images are left out: what the rules ask stands in the files as well.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.tidy.tree import ROOT

FOLDER = ROOT / "deploy" / "k8s"
Document = dict[str, Any]


def documents(folder: Path) -> list[Document]:
    """Every document of a kustomization."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return list(_followed(folder))
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def kustomization(folder: Path) -> Document:
    """What a folder consists of."""
    found: Document = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    return found


def literals(folder: Path) -> dict[str, str]:
    """The settings that a folder's generators give."""
    maps = kustomization(folder).get("configMapGenerator", ())
    pairs = [literal.partition("=") for generated in maps for literal in generated.get("literals", ())]
    return {name: value for name, _, value in pairs}


def _followed(folder: Path) -> Iterator[Document]:
    described = kustomization(folder)
    for name in (*described.get("resources", ()), *described.get("components", ())):
        path = (folder / name).resolve()
        if path.is_dir():
            yield from _followed(path)
        else:
            yield from filter(None, yaml.safe_load_all(path.read_text(encoding="utf-8")))
