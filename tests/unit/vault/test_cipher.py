"""What is encrypted opens in its own place, under its own key, and nowhere else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from horolog.vault.cipher import Context, DataKey, SealBroken, key_id_of, new_key
from schemas.sealed import is_sealed, looks_sealed

PLACE = Context("tenant-a", "job", "job-a", "headers/authorization")
KEY = DataKey("0123456789abcdef", bytes(range(32)))
KNOWN = "AAECAwQFBgcICQoLZXHleLfWtjli1w8agzqq957ZkjanLZGr"
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), lambda of: st.lists(of, max_size=3)
)


@given(_JSON)
def test_what_was_encrypted_opens_in_its_place(value: JsonValue) -> None:
    sealed = KEY.seal(value, PLACE)
    assert is_sealed(sealed)
    assert looks_sealed(sealed)
    assert key_id_of(sealed) == KEY.key_id
    assert KEY.open(sealed, PLACE) == value


def test_two_encryptions_of_one_value_differ() -> None:
    assert len({KEY.seal("the same", PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("field", "value"),
    [("tenant_id", "tenant-b"), ("kind", "secret"), ("owner", "job-b"), ("place", "headers/cookie")],
)
def test_moved_ciphertext_does_not_open_and_shows_nothing(field: str, value: str) -> None:
    sealed = KEY.seal("hunter2hunter2", PLACE)
    with pytest.raises(SealBroken) as refused:
        KEY.open(sealed, replace(PLACE, **{field: value}))
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_parts_of_a_place_cannot_pass_for_others() -> None:
    sealed = KEY.seal("x", Context("t", "job", "a", "b/c"))
    with pytest.raises(SealBroken):
        KEY.open(sealed, Context("t", "job", "a/b", "c"))


def test_every_altered_character_is_noticed() -> None:
    sealed = KEY.seal("x", PLACE)
    head, _, content = sealed.rpartition(":")
    for index in range(len(content) - 1):
        other = "A" if content[index] != "A" else "B"
        with pytest.raises(SealBroken):
            KEY.open(f"{head}:{content[:index]}{other}{content[index + 1 :]}", PLACE)


def test_another_key_does_not_open_even_under_the_same_id() -> None:
    sealed = KEY.seal("x", PLACE)
    for other in (new_key(), DataKey(KEY.key_id, bytes(32))):
        with pytest.raises(SealBroken):
            other.open(sealed, PLACE)


@pytest.mark.parametrize("text", ["", "plain", "enc:v1:", "enc:v1:0123456789abcdef:short", "enc:v2:x:y"])
def test_what_is_no_ciphertext_does_not_open(text: str) -> None:
    with pytest.raises(SealBroken):
        KEY.open(text, PLACE)


def test_a_known_answer_stays_readable_for_ever() -> None:
    sealed = KEY.seal("s3cr3t", PLACE, lambda count: bytes(range(count)))
    assert sealed == f"enc:v1:{KEY.key_id}:{KNOWN}"
    assert KEY.open(sealed, PLACE) == "s3cr3t"


def test_fingerprint_tells_equal_data_and_needs_the_key() -> None:
    assert KEY.fingerprint(b"a") == KEY.fingerprint(b"a") != KEY.fingerprint(b"b")
    assert KEY.fingerprint(b"a") != DataKey(KEY.key_id, bytes(32)).fingerprint(b"a")


def test_key_is_never_shown() -> None:
    assert KEY.key.hex() not in repr(KEY)
    assert str(KEY.key) not in repr(KEY)
