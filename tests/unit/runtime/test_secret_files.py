"""A secret comes by its variable or as a file; a file that cannot be meant stops the start, and is never quoted."""

from pathlib import Path

import pytest

from horolog.runtime.secret_files import secret, secret_in_file
from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError
from services.api.settings import from_environment as api_settings

VALUE = "a-word-of-these-tests-0123456789-ABCDEFG"
TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(f"{VALUE}\n", encoding="utf-8")
    file.chmod(0o440)
    return file


def test_secret_is_the_variable_or_what_is_in_the_file(path: Path) -> None:
    assert secret({"A_KEY": VALUE}, "A_KEY") == VALUE
    assert secret({"A_KEY_FILE": str(path)}, "A_KEY") == VALUE
    assert secret({"A_KEY": "", "A_KEY_FILE": str(path)}, "A_KEY") == VALUE
    assert secret({}, "A_KEY") == ""


def test_secret_that_is_given_twice_is_refused(path: Path) -> None:
    with pytest.raises(SettingsError, match="A_KEY and A_KEY_FILE are both set") as refused:
        secret({"A_KEY": VALUE, "A_KEY_FILE": str(path)}, "A_KEY")
    assert VALUE not in str(refused.value)


def test_missing_file_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="A_KEY_FILE cannot be read: FileNotFoundError"):
        secret({"A_KEY_FILE": str(tmp_path / "none")}, "A_KEY")


@pytest.mark.parametrize("content", [b"", b" \n"])
def test_empty_file_is_refused(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="A_KEY_FILE: the file is empty"):
        secret({"A_KEY_FILE": str(path)}, "A_KEY")


def test_file_that_everybody_may_read_is_refused_and_not_quoted(path: Path) -> None:
    path.chmod(0o444)
    with pytest.raises(SettingsError, match="A_KEY_FILE: everybody on this machine may read") as refused:
        secret({"A_KEY_FILE": str(path)}, "A_KEY")
    assert VALUE not in str(refused.value)


def test_file_that_is_no_text_is_refused_and_not_quoted(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"\xff" + VALUE.encode())
    with pytest.raises(SettingsError, match="A_KEY_FILE cannot be read: UnicodeDecodeError") as refused:
        secret_in_file({"A_KEY_FILE": str(path)}, "A_KEY")
    assert VALUE not in str(refused.value)
    assert refused.value.__suppress_context__


def test_settings_of_all_processes_take_their_secrets_from_files(path: Path) -> None:
    named = ("DATABASE_URL", "REDIS_URL", "HOROLOG_TASK_KEYS")
    settings = from_environment({f"{name}_FILE": str(path) for name in named})
    assert (settings.database_url, settings.redis_url) == (VALUE, VALUE)
    assert settings.seals is not None
    assert settings.seals.keys == [VALUE.encode()]


def test_settings_of_the_api_take_their_secrets_from_files(path: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"# who may call\nanother-{VALUE}={TENANT}:billing\n", encoding="utf-8")
    tokens.chmod(0o400)
    environment = {
        "INTERNAL_SERVICE_TOKEN_FILE": str(path),
        "HOROLOG_TOKENS_FILE": str(tokens),
        "HOROLOG_TOKENS": f"third-{VALUE}={TENANT}:other",
        "RBAC_URL": "https://permissions.example/decide",
        "RBAC_TOKEN_FILE": str(path),
    }
    settings = api_settings(environment)
    assert len(settings.services) == 1
    assert sorted(token.name for token in settings.tokens) == ["billing", "other"]
    assert settings.decisions is not None
    assert settings.decisions.token == VALUE
    assert VALUE not in repr(settings)
