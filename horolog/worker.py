"""Functions of one's own code base that jobs call by name.

    from horolog.worker import Worker

    worker = Worker()

    @worker.function("billing.close_month")
    def close_month(region: str) -> dict[str, int]:
        return {"closed": 7}

`horolog worker run my.module` runs them: a job of the type `function` whose config is `registered` and names
`billing` and `close_month` is then handed to this worker and to others that have registered the same name.

Guarantee: this module imports little, registers nothing by itself, and runs nothing.
"""

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
ATTRIBUTE = "worker"
"""Where in a module the worker is looked for, unless it is said."""
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_FUNCTION = re.compile(r"[A-Za-z_]\w*")
_MODULE_LENGTH_MAX, _FUNCTION_LENGTH_MAX = 200, 100


class Worker:
    """A registry of functions. It is filled when the module is imported, in each process that runs some of them."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """All that are registered, by name."""
        return MappingProxyType(self._functions)

    def function(self, name: str) -> Callable[[F], F]:
        """Register the decorated function, which may be a coroutine function, under a dotted name.

        Raises:
            ValueError: the name has no dot or is none, or another function has it.
        """
        if not _is_name(name):
            raise ValueError(f"{name!r} is not a name like billing.close_month")

        def register(function: F) -> F:
            if name in self._functions:
                raise ValueError(f"two functions are registered as {name}")
            self._functions[name] = function
            return function

        return register


def worker_of(target: str) -> Worker:
    """The worker that `module` or `module:attribute` names, imported now.

    Raises:
        ImportError: there is no such module, or nothing of that name in it, or it is no worker.
    """
    module, _, attribute = target.partition(":")
    found = getattr(import_module(module), attribute or ATTRIBUTE, None)
    if not isinstance(found, Worker):
        raise ImportError(f"the module {module} has no worker named {attribute or ATTRIBUTE}")
    return found


def registered_names(target: str) -> list[str]:
    """The names that the worker has functions for. It is called like any function of a job, in a process of its own."""
    return sorted(worker_of(target).functions)


def _is_name(name: str) -> bool:
    # As a job's config takes its two parts; `schemas.jobs` says so again, which costs too much to import here.
    module, _, function = name.rpartition(".")
    fits = len(module) <= _MODULE_LENGTH_MAX and len(function) <= _FUNCTION_LENGTH_MAX
    return fits and bool(_MODULE.fullmatch(module)) and bool(_FUNCTION.fullmatch(function))
