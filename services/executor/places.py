"""Which places of the machine a program in a box sees: what programs need to run at all, and what the operator names.

Guarantee: nothing is shown but what is named, and what it is a symbolic link to; an executor's own files are not, even
where they lie within what is shown.
"""

import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

import horolog

Place = tuple[str, str]
Link = tuple[str, str]

SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc", "/etc/resolv.conf", "/etc/localtime", "/nix/store"),
)
_OWN_PACKAGES = ("horolog", "services", "schemas")
_LINK_COUNT_MAX = 40
"""As many as Linux follows (path_resolution(7))."""


def python_places() -> tuple[str, ...]:
    """What Python needs, and what functions import of this product."""
    root = Path(horolog.__file__).parent.parent
    return (sys.prefix, sys.base_prefix, sys.executable, *(str(root / name) for name in _OWN_PACKAGES))


def arranged(
    readable: Iterable[str], writable: Iterable[str], hidden: Iterable[str]
) -> tuple[Sequence[Place], Sequence[Link]]:
    """Places without symbolic links in them, the outer ones first, and the links on the way to them."""
    links: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for kind, paths in (("readable", readable), ("writable", writable), ("hidden", hidden)):
        for path in paths:
            real = _followed(path, links)
            if real != "/" and os.path.exists(real):
                kinds[real] = kind
    places: list[Place] = []
    for path in sorted(kinds, key=lambda path: (path.count("/"), path)):
        around = _kind_around(path, places)
        if kinds[path] != around and (kinds[path] != "hidden" or around is not None):
            places.append((path, kinds[path]))
    # A link within a place that is shown is there already.
    apart = sorted(link for link in links.items() if _kind_around(link[0], places) in (None, "hidden"))
    return tuple(places), tuple(apart)


def _followed(path: str, links: dict[str, str]) -> str:
    waiting, real, followed_count = deque(Path(path).parts[1:]), "/", 0
    while waiting:
        part = waiting.popleft()
        if part == "..":
            real = os.path.dirname(real)
            continue
        step = os.path.join(real, part)
        if os.path.islink(step) and followed_count < _LINK_COUNT_MAX:
            followed_count += 1
            target = links[step] = os.readlink(step)
            waiting.extendleft(reversed(Path(target).parts[1:] if os.path.isabs(target) else Path(target).parts))
            real = "/" if os.path.isabs(target) else real
        else:
            real = step
    return real


def _kind_around(path: str, places: Iterable[Place]) -> str | None:
    """What becomes of the innermost of the places that the path lies in."""
    kinds = [kind for place, kind in places if path.startswith(f"{place}/")]
    return kinds[-1] if kinds else None
