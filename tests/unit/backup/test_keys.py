"""The key of backups: a weak one is refused, and none is ever told."""

import base64
from pathlib import Path

import pytest

from horolog.backup.keys import BackupKeyError, backup_key

VALUE = bytes(range(100, 132))
TEXT = base64.b64encode(VALUE).decode()
UNUSABLE = {
    "short": base64.b64encode(VALUE[:31]).decode(),
    "long": base64.b64encode(VALUE + b"x").decode(),
    "of one kind of byte": base64.b64encode(b"a" * 32).decode(),
    "of few kinds of bytes": base64.b64encode(b"abcdefgh" * 4).decode(),
    "not base64": "correct horse battery staple correct horse",
    "not ASCII": "ключ" * 11,
    "blank": "   ",
}


def test_key_is_taken_from_the_environment_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(TEXT + "\n")
    path.chmod(0o600)
    assert backup_key({"HOROLOG_BACKUP_KEY": TEXT}).value == VALUE
    assert backup_key({"HOROLOG_BACKUP_KEY_FILE": str(path)}).value == VALUE


@pytest.mark.parametrize("text", UNUSABLE.values(), ids=UNUSABLE)
def test_key_that_cannot_be_used_is_refused_without_being_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    for environment in ({"HOROLOG_BACKUP_KEY": text}, {"HOROLOG_BACKUP_KEY_FILE": str(path)}):
        with pytest.raises(BackupKeyError, match="openssl rand -base64 32") as caught:
            backup_key(environment)
        assert not text.strip() or text not in str(caught.value)
        assert caught.value.__cause__ is None


def test_no_key_two_keys_and_an_unreadable_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupKeyError, match="neither"):
        backup_key({})
    with pytest.raises(BackupKeyError, match="both"):
        backup_key({"HOROLOG_BACKUP_KEY": TEXT, "HOROLOG_BACKUP_KEY_FILE": "key"})
    with pytest.raises(BackupKeyError, match="cannot be read"):
        backup_key({"HOROLOG_BACKUP_KEY_FILE": str(tmp_path / "none")})


def test_key_is_never_shown() -> None:
    assert repr(backup_key({"HOROLOG_BACKUP_KEY": TEXT})) == "BackupKey()"
