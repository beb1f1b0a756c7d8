"""What the operator says of the engine and its containers, and what a program to be run there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Program(Protocol):
    """What to run. `image` is one of the engine's, or empty for the first of them; `name` says whose it is."""

    @property
    def argv(self) -> Sequence[str]: ...
    @property
    def environment(self) -> Mapping[str, str]: ...
    @property
    def directory(self) -> str | None: ...
    @property
    def limits(self) -> Mapping[str, int]: ...
    @property
    def has_network(self) -> bool: ...
    @property
    def image(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """`executable` is run with `environment` and no other variables. `network` is that of programs that may have one.

    `places` are paths of the machine, the outer ones first, each `readable`, `writable` or `hidden`. The numbers bound
    each container as a whole; `accounts` are its users, nobody's where there are none.
    """

    executable: str
    images: tuple[str, ...]
    memory_mb: int
    tmp_mb: int
    process_count: int
    cpus: float | None = None
    network: str | None = None
    places: Sequence[tuple[str, str]] = ()
    accounts: Sequence[int] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
