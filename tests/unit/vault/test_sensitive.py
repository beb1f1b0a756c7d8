"""Which parts of a config are secret, and how it refers to secrets."""

import pytest
from pydantic import JsonValue

from horolog.domain.sensitive import (
    MASK,
    Slot,
    is_secret,
    references,
    refers_wrongly,
    replaced,
    resolved,
    slots,
    without_credentials,
)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "authorization",
        "Cookie",
        "X-Api-Key",
        "X-Auth-Token",
        "X-Session",
        "X-Unheard-Of",
        "Api-Secret",
    ],
)
def test_header_is_secret_unless_it_is_known_to_be_harmless(name: str) -> None:
    assert is_secret({}, Slot("headers", name), "value")


@pytest.mark.parametrize("name", ["Accept", "content-type", "USER-AGENT"])
def test_harmless_header_is_not_secret(name: str) -> None:
    assert not is_secret({}, Slot("headers", name), "value")


@pytest.mark.parametrize(
    "name",
    [
        *("token", "accessToken", "api_key", "apiKey", "password", "dbPassword", "passwd", "client_secret", "key"),
        *("auth", "session_id", "privateKey", "credentials", "signing-key", "AUTHORIZATION"),
    ],
)
def test_parameter_with_a_name_like_a_secrets_is_one(name: str) -> None:
    assert is_secret({}, Slot("parameters", name), {"a": 1})


@pytest.mark.parametrize("name", ["text", "day", "keyboard", "monkey", "author", "limit"])
def test_other_parameter_is_secret_only_when_declared(name: str) -> None:
    assert not is_secret({}, Slot("parameters", name), "v")
    assert is_secret({"sensitive": [name]}, Slot("parameters", name), "v")


def test_environment_is_secret_and_the_body_when_declared() -> None:
    assert is_secret({}, Slot("environment", "LANG"), "C")
    assert not is_secret({}, Slot("body"), "x")
    assert is_secret({"sensitiveBody": True}, Slot("body"), "x")


@pytest.mark.parametrize("value", ["secret://name", "Bearer secret://name", "apikey secret://a.b-c_d", "", None])
def test_nothing_and_a_mere_reference_are_not_secret(value: JsonValue) -> None:
    assert not is_secret({}, Slot("headers", "Authorization"), value)


@pytest.mark.parametrize("value", ["hunter2 secret://name", "secret://name hunter2", "secret://", "secret://NAME!"])
def test_what_says_more_than_a_reference_is_secret(value: str) -> None:
    assert is_secret({}, Slot("headers", "Authorization"), value)


def test_references_are_found_in_texts_and_in_parameters_as_whole_texts() -> None:
    assert list(references(Slot("headers", "A"), "Basic secret://a:secret://b.c.")) == ["a", "b.c"]
    assert list(references(Slot("environment", "A"), "x=secret://a")) == ["a"]
    assert list(references(Slot("parameters", "p"), {"x": ["secret://a", "not secret://b"]})) == ["a"]
    assert list(references(Slot("body"), "secret://a")) == []


@pytest.mark.parametrize("value", ["secret://Billing", "Bearer secret://a secret://", "secret://aB", "secret://a-"])
def test_reference_to_what_cannot_be_is_told(value: str) -> None:
    assert refers_wrongly(Slot("headers", "A"), value)
    assert refers_wrongly(Slot("parameters", "p"), f"secret://{value}")
    assert not refers_wrongly(Slot("body"), value)
    assert not refers_wrongly(Slot("headers", "A"), "Basic secret://a:secret://b.c.")


def test_resolved_value_is_not_looked_at_again() -> None:
    known = {"a": "secret://b", "b": "never"}
    assert resolved(Slot("headers", "A"), "Bearer secret://a", known) == "Bearer secret://b"
    assert resolved(Slot("parameters", "p"), ["secret://a", {"x": "secret://a"}, 1], known) == [
        "secret://b",
        {"x": "secret://b"},
        1,
    ]


def test_replacing_touches_every_slot_and_nothing_else() -> None:
    config: dict[str, JsonValue] = {"url": "u", "headers": {"A": "1"}, "body": {"b": 2}, "timeout": 3}
    assert [slot for slot, _ in slots(config)] == [Slot("headers", "A"), Slot("body")]
    assert replaced(config, lambda slot, _: slot.key) == {
        "url": "u",
        "headers": {"A": "headers/a"},
        "body": "body/",
        "timeout": 3,
    }
    assert config["headers"] == {"A": "1"}


@pytest.mark.parametrize(
    "url", ["https://x", "http://x:8080/a@b:c", "http://[::1]:80/?q=@", "https://x:/", "https://x?a:b"]
)
def test_address_without_credentials_is_left(url: str) -> None:
    assert without_credentials(url) == url


@pytest.mark.parametrize(
    "url", ["https://me:hush@x/", "HTTP://hush@x", "http://me:hush@y@x", "https://me:hu/sh@x/", "https://me:hush#1@x"]
)
def test_credentials_in_an_address_are_masked(url: str) -> None:
    masked = without_credentials(url)
    assert MASK in masked
    assert "hu" not in masked
