"""How Kafka is reached is said in the environment; what contradicts itself, or is not safe, stops the start."""

import pytest

from horolog.runtime.kafka_access import IN_THE_CLEAR, kafka_access
from horolog.runtime.settings_error import SettingsError

WITH_PASSWORD = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_USERNAME": "horolog",
    "KAFKA_SASL_PASSWORD": "a-word-of-these-tests",
}


def test_without_settings_kafka_is_reached_in_the_clear() -> None:
    assert kafka_access({}) == IN_THE_CLEAR


def test_a_password_may_be_in_a_file_and_is_never_shown() -> None:
    environment = {**WITH_PASSWORD, "KAFKA_SASL_PASSWORD": "", "KAFKA_SASL_PASSWORD_FILE": "/run/secrets/kafka"}
    access = kafka_access(environment, read_file=lambda _: "a-word-of-these-tests\n")
    assert (access.mechanism, access.username, access.password) == ("SCRAM-SHA-512", "horolog", "a-word-of-these-tests")
    assert "a-word" not in repr(access)
    assert access.tls is not None
    assert access.tls.check_hostname


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"KAFKA_SECURITY_PROTOCOL": "ssl"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"KAFKA_SASL_PASSWORD": "a-word-of-these-tests"}, "KAFKA_SASL_PASSWORD has no effect"),
        ({"KAFKA_SSL_CA_FILE": "ca.pem"}, "KAFKA_SSL_CA_FILE has no effect"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERT_FILE": "c.pem"}, "KAFKA_SSL_KEY_FILE"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_FILE": "/none/ca.pem"}, "KAFKA_SSL_CA_FILE cannot be used"),
        ({**WITH_PASSWORD, "KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM"),
        ({**WITH_PASSWORD, "KAFKA_SASL_USERNAME": ""}, "KAFKA_SASL_USERNAME"),
        ({**WITH_PASSWORD, "KAFKA_SASL_PASSWORD": ""}, "KAFKA_SASL_PASSWORD"),
        (
            {**WITH_PASSWORD, "KAFKA_SASL_PASSWORD": "", "KAFKA_SASL_PASSWORD_FILE": "/none/word"},
            "KAFKA_SASL_PASSWORD_FILE cannot be read",
        ),
        ({**WITH_PASSWORD, "KAFKA_SASL_PASSWORD_FILE": "/none/word"}, "KAFKA_SASL_PASSWORD and .* are both set"),
    ],
)
def test_what_cannot_be_kept_stops_the_start(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as refused:
        kafka_access(environment)
    assert "a-word" not in str(refused.value)
