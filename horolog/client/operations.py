"""What a client can be asked for, once for both kinds: one that blocks and one that awaits.

An operation is described as a call (`jobs`, `executions`). Here it becomes a method: of `Client` one that returns the
answer, of `AsyncClient` one whose answer is awaited. Neither repeats anything of the other.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload

from horolog.client import executions, jobs
from horolog.client.calls import Call, Page, plain

P = ParamSpec("P")
T = TypeVar("T")


class Blocking(Protocol):
    """A client that returns answers."""

    def run(self, call: Call[T]) -> T:
        """Go through the steps of a call."""
        ...

    def each(self, call: Call[Page[T]]) -> Iterator[T]:
        """Every item of a list."""
        ...


class Awaiting(Protocol):
    """A client whose answers are awaited."""

    async def run(self, call: Call[T]) -> T:
        """Go through the steps of a call."""
        ...

    def each(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """Every item of a list."""
        ...


class Operation(Generic[P, T]):
    """A method that makes a call."""

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: Blocking, owner: object = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Awaiting, owner: object = None) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, owner: object = None) -> "Operation[P, T]": ...
    def __get__(self, client: Any, owner: object = None) -> Any:
        return self if client is None else _bound(self._describe, client.run)


class Listing(Generic[P, T]):
    """A method that goes through a list."""

    def __init__(self, describe: Callable[P, Call[Page[T]]]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: Blocking, owner: object = None) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: Awaiting, owner: object = None) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, client: None, owner: object = None) -> "Listing[P, T]": ...
    def __get__(self, client: Any, owner: object = None) -> Any:
        return self if client is None else _bound(self._describe, client.each)


class Operations:
    """All that both clients can be asked for. `request` is for whatever has no method of its own."""

    create_job = Operation(jobs.create_job)
    get_job = Operation(jobs.get_job)
    list_jobs = Listing(jobs.list_jobs)
    update_job = Operation(jobs.update_job)
    delete_job = Operation(jobs.delete_job)
    pause_job = Operation(jobs.pause_job)
    resume_job = Operation(jobs.resume_job)
    stop_job = Operation(jobs.stop_job)
    trigger_job = Operation(jobs.trigger_job)
    preview_fires = Operation(jobs.preview_fires)
    preview_resume = Operation(jobs.preview_resume)
    list_versions = Listing(jobs.list_versions)
    roll_back_job = Operation(jobs.roll_back_job)
    list_executions = Listing(executions.list_executions)
    get_execution = Operation(executions.get_execution)
    execution_output = Operation(executions.execution_output)
    cancel_execution = Operation(executions.cancel_execution)
    wait_for_execution = Operation(executions.wait_for_execution)
    execution_statistics = Operation(executions.execution_statistics)
    get_command = Operation(executions.get_command)
    get_status = Operation(executions.get_status)
    request = Operation(plain)


def _bound(describe: Callable[..., Any], make: Callable[[Any], Any]) -> Callable[..., Any]:
    @wraps(describe)
    def method(*args: Any, **kwargs: Any) -> Any:
        return make(describe(*args, **kwargs))

    return method
