"""What `bench.sampling` saw, as text: for each process the functions that cost most."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

SHOWN_COUNT = 15
EVERYWHERE = 0.9
"""What is on the stack of more samples than this is the frame around everything, and tells nothing."""
_ROOTS = ("/site-packages/", "/lib/python3.11/", f"{Path(__file__).resolve().parents[1]}/")


def lines_of(folder: Path) -> Iterator[str]:
    """The tables of every process that was sampled."""
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text())
        yield f"{path.stem}: {found['count']} samples"
        yield from _table("own time", found["own"], found["count"])
        inner = {name: samples for name, samples in found["total"].items() if samples < EVERYWHERE * found["count"]}
        yield from _table("with what it calls", inner, found["count"])


def _table(title: str, counts: Mapping[str, int], count: int) -> Iterator[str]:
    yield f"  {title}"
    for name, samples in sorted(counts.items(), key=lambda item: -item[1])[:SHOWN_COUNT]:
        yield f"  {samples / max(1, count):7.1%}  {_short(name)}"


def _short(name: str) -> str:
    for root in _ROOTS:
        _, found, rest = name.partition(root)
        if found:
            return rest
    return name
