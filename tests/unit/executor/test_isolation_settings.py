"""What the environment says of isolation, and that what cannot be meant is refused with a sentence."""

import pytest

from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError
from schemas.isolation import Isolation
from services.executor.isolation_settings import ContainerSettings, GroupUse, IsolationSettings, isolation_from


def test_an_empty_environment_asks_for_the_best_and_gives_root_accounts() -> None:
    assert isolation_from({}, is_root=False) == IsolationSettings()
    assert isolation_from({}, is_root=True) == IsolationSettings(accounts=range(200_000, 220_000))


def test_everything_can_be_set() -> None:
    environment = {
        "HOROLOG_ISOLATION": "namespaces",
        "HOROLOG_JOB_MEMORY_MB": "64",
        "HOROLOG_JOB_PROCESSES": "10",
        "HOROLOG_JOB_TMP_MB": "5",
        "HOROLOG_JOB_PATHS": "/srv/in/, /srv/out:rw",
        "HOROLOG_JOB_UID_RANGE": "",
        "HOROLOG_CONTROL_GROUPS": "required",
        "HOROLOG_JOB_CPUS": "1.5",
    }
    assert isolation_from(environment, is_root=True) == IsolationSettings(
        Isolation.NAMESPACES, 64, 10, 5, (("/srv/in", False), ("/srv/out", True)), range(0), GroupUse.REQUIRED, 1.5
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOROLOG_ISOLATION", "container"),
        ("HOROLOG_ISOLATION", "none"),
        ("HOROLOG_CONTAINER_ENGINE", "docker"),
        ("HOROLOG_JOB_MEMORY_MB", "1"),
        ("HOROLOG_JOB_PROCESSES", "many"),
        ("HOROLOG_JOB_TMP_MB", "-1"),
        ("HOROLOG_JOB_PATHS", "srv"),
        ("HOROLOG_JOB_PATHS", "/"),
        ("HOROLOG_JOB_PATHS", "/srv:w"),
        ("HOROLOG_JOB_UID_RANGE", "0-10"),
        ("HOROLOG_JOB_UID_RANGE", "2000-1999"),
        ("HOROLOG_JOB_UID_RANGE", "1000"),
        ("HOROLOG_CONTROL_GROUPS", "on"),
        ("HOROLOG_JOB_CPUS", "0"),
        ("HOROLOG_JOB_CPUS", "2000"),
        ("HOROLOG_JOB_CPUS", "1e3"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        isolation_from({name: value}, is_root=True)


ENGINE = {"HOROLOG_CONTAINER_ENGINE": "/usr/bin/podman", "HOROLOG_CONTAINER_IMAGES": "horolog:1, tools@sha256:00"}


def test_an_engine_takes_images_and_gives_no_network_unless_one_is_named() -> None:
    found = isolation_from(ENGINE | {"HOROLOG_ISOLATION": "container"}, is_root=False)
    assert (found.demanded, found.containers) == (
        Isolation.CONTAINER,
        ContainerSettings("/usr/bin/podman", ("horolog:1", "tools@sha256:00"), None),
    )
    found = isolation_from(ENGINE | {"HOROLOG_CONTAINER_NETWORK": "jobs"}, is_root=False)
    assert found.containers is not None
    assert found.containers.network == "jobs"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOROLOG_CONTAINER_IMAGES", ""),
        ("HOROLOG_CONTAINER_IMAGES", "horolog, --privileged"),
        ("HOROLOG_CONTAINER_NETWORK", "host"),
        ("HOROLOG_CONTAINER_NETWORK", "container:other"),
        ("HOROLOG_CONTAINER_NETWORK", "--privileged"),
    ],
)
def test_what_would_open_a_container_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        isolation_from(ENGINE | {name: value}, is_root=True)


def test_fewer_accounts_than_programs_are_refused_and_none_at_all_are_not() -> None:
    IsolationSettings().require_accounts(10)
    IsolationSettings(accounts=range(1000, 1010)).require_accounts(10)
    with pytest.raises(SettingsError, match="HOROLOG_JOB_UID_RANGE must have 11"):
        IsolationSettings(accounts=range(1000, 1010)).require_accounts(11)


def test_an_executor_as_large_as_one_may_be_finds_enough_accounts_of_those_there_are_unless_others_are_named() -> None:
    largest = from_environment({"SCHEDULER_MAX_CONCURRENT_JOBS": "10000", "SCHEDULER_WORKER_COUNT": "256"})
    isolation_from({}, is_root=True).require_accounts(largest.concurrent_count_max + largest.function_process_count * 2)
