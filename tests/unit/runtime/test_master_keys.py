"""Where master keys come from, and that a deployment has some."""

from pathlib import Path

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts
from horolog.log.embedded import EmbeddedLog
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from tests.unit.vault.test_master_keys import NEW, OLD


def parts(bootstrap: str | None, **environment: str) -> Parts:
    """What an API or an executor is made of."""
    settings = from_environment(environment)
    chosen = Settings(Path.cwd(), "a", kafka_bootstrap=bootstrap, master_keys=settings.master_keys)
    return Parts(chosen, EmbeddedLog.open(None, SystemClock(), 1), SystemClock(), RandomIds())


def test_keys_come_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    path.write_text(f"new={NEW}\nold={OLD}\n")
    path.chmod(0o600)
    for environment in ({"HOROLOG_MASTER_KEYS": f"new={NEW},old={OLD}"}, {"HOROLOG_MASTER_KEYS_FILE": str(path)}):
        keys = from_environment(environment).master_keys
        assert keys is not None
        assert list(keys.keys) == ["new", "old"]


@pytest.mark.parametrize(
    "environment",
    [
        {"HOROLOG_MASTER_KEYS": f"a={OLD[:-8]}"},
        {"HOROLOG_MASTER_KEYS": f"a={OLD}", "HOROLOG_MASTER_KEYS_FILE": "/etc/keys"},
        {"HOROLOG_MASTER_KEYS_FILE": "/nowhere/keys"},
    ],
)
def test_unusable_keys_stop_the_start_without_being_told(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="HOROLOG_MASTER_KEYS") as refused:
        from_environment(environment)
    assert OLD[:-8] not in str(refused.value)


def test_a_deployment_needs_keys() -> None:
    with pytest.raises(SettingsError, match="HOROLOG_MASTER_KEYS is not set"):
        parts("broker:9092").master_keys()
    assert parts("broker:9092", HOROLOG_MASTER_KEYS=f"a={OLD}").master_keys() is not None
    assert parts(None).master_keys() is None


def test_settings_do_not_show_keys() -> None:
    assert OLD not in repr(from_environment({"HOROLOG_MASTER_KEYS": f"a={OLD}"}))
