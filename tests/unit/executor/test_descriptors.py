"""What cannot be started leaves no descriptors open."""

import os
import resource
from collections.abc import Callable, Iterator, Sequence

import pytest

from services.executor.processes import Ended, Program
from services.executor.runners.capture import both_captures
from services.executor.runners.function_channel import FunctionHost


class NoMeans:
    """Processes of which there can be no more."""

    def start(self, program: Program, files: Sequence[int], on_end: Callable[[Ended], None]) -> Callable[[float], None]:
        raise OSError("told to")

    async def close(self) -> None:
        """There is nothing to end."""


@pytest.fixture
def two_descriptors_more() -> Iterator[Callable[[], None]]:
    """Lets this process open no more than two descriptors from then on, until the test is over."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def bound() -> None:
        probe = os.dup(0)
        os.close(probe)
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe + 2, before[1]))

    yield bound
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def open_count() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_function_process_that_cannot_start_leaves_no_descriptor_open() -> None:
    before = open_count()
    for _ in range(20):
        with pytest.raises(OSError, match="told to"):
            FunctionHost(NoMeans(), Program(("true",), {}), lambda _: None, lambda _: None)
    assert open_count() == before


async def test_pipes_for_which_descriptors_do_not_suffice_leave_none_open(
    two_descriptors_more: Callable[[], None],
) -> None:
    both_captures()[0].close()  # The loop has what it needs from here on.
    before = open_count()
    two_descriptors_more()
    with pytest.raises(OSError, match="Too many open files"):
        both_captures()
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    assert open_count() == before
