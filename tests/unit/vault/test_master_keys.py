"""Master keys: strong or refused, and one replaced by the other without losing what they wrap."""

import base64

import pytest

from horolog.vault.cipher import SealBroken, new_key
from horolog.vault.master_keys import MasterKeys, MasterKeysError, parse


def made(seed: int) -> str:
    """The base64 of 32 bytes that look random."""
    return base64.b64encode(bytes((seed * 37 + index * 101) % 256 for index in range(32))).decode()


OLD, NEW = made(1), made(2)


def keys(text: str) -> MasterKeys:
    """The keys, which there must be."""
    found = parse("HOROLOG_MASTER_KEYS", text)
    assert found is not None
    return found


def test_keys_are_read_with_commas_or_lines_between_them_and_the_first_wraps() -> None:
    assert list(keys(f"new={NEW}, old={OLD}").keys) == ["new", "old"]
    assert list(keys(f"# for this year\nnew={NEW}\nold={OLD}\n").keys) == ["new", "old"]
    assert keys(f"new={NEW},old={OLD}").first == "new"
    assert parse("X", " \n") is None


@pytest.mark.parametrize(
    "value",
    [
        *("short", "k=", f"={OLD}", f"a b={OLD}", f"{'x' * 33}={OLD}", "k=!!!", f"k={OLD}=="),
        *(f"k={base64.b64encode(bytes(16)).decode()}", f"k={base64.b64encode(bytes(32)).decode()}"),
        f"k={base64.b64encode(b'correct horse battery staple 012').decode()}",
        *(f"k={OLD},k={NEW}", f"k={OLD},l={OLD}"),
    ],
)
def test_a_weak_key_stops_the_start_without_being_told(value: str) -> None:
    with pytest.raises(MasterKeysError, match="HOROLOG_MASTER_KEYS") as refused:
        keys(value)
    for entry in value.split(","):
        secret = entry.partition("=")[2].rstrip("=")
        assert not secret or secret not in str(refused.value)


def test_what_one_key_wrapped_opens_while_it_is_named_and_no_longer() -> None:
    key = new_key()
    wrapped = keys(f"old={OLD}").wrap("tenant-a", key)
    assert keys(f"new={NEW},old={OLD}").unwrap("tenant-a", wrapped) == key
    with pytest.raises(SealBroken, match="'old'"):
        keys(f"new={NEW}").unwrap("tenant-a", wrapped)


def test_wrapped_key_of_one_tenant_is_not_anothers() -> None:
    master = keys(f"old={OLD}")
    with pytest.raises(SealBroken):
        master.unwrap("tenant-b", master.wrap("tenant-a", new_key()))


def test_canary_tells_another_key_of_the_same_id() -> None:
    assert keys(f"a={OLD}").knows("a", keys(f"a={OLD}").canary("a"))
    assert not keys(f"a={NEW}").knows("a", keys(f"a={OLD}").canary("a"))


def test_keys_are_never_shown() -> None:
    assert OLD not in repr(keys(f"a={OLD}"))
    assert "\\x" not in repr(keys(f"a={OLD}"))
