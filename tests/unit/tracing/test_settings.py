"""Where traces are sent, by the environment."""

import pytest

from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.trace_settings import TraceSettings, trace_settings

ENDPOINT, HEADERS = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"
HERE = {ENDPOINT: "http://127.0.0.1:4318"}
HUSH = "hush-9f2c7a"


def settings(environment: dict[str, str]) -> TraceSettings:
    found = trace_settings(environment)
    assert found is not None
    return found


def test_nothing_is_traced_unless_a_collector_is_named() -> None:
    assert from_environment({}).traces is None
    assert trace_settings({ENDPOINT: "", "OTEL_TRACES_SAMPLER_ARG": "0.5"}) is None
    assert trace_settings({**HERE, "OTEL_SDK_DISABLED": "True"}) is None
    assert from_environment(HERE).traces == TraceSettings("http://127.0.0.1:4318/v1/traces")


def test_address_for_traces_alone_is_taken_as_it_is() -> None:
    environment = {ENDPOINT: "http://a:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://b:2/here"}
    assert settings(environment).url == "https://b:2/here"
    assert settings({ENDPOINT: "https://b:2/otlp/"}).url == "https://b:2/otlp/v1/traces"


@pytest.mark.parametrize(
    ("sampler", "share", "ratio"),
    [
        ("", "", 1.0),
        ("parentbased_traceidratio", "0.25", 0.25),
        ("", "0", 0.0),
        ("parentbased_always_on", "0.25", 1.0),
        ("parentbased_always_off", "", 0.0),
    ],
)
def test_share_is_as_the_sampler_says(sampler: str, share: str, ratio: float) -> None:
    assert settings({**HERE, "OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": share}).ratio == ratio


def test_headers_are_read_and_never_shown() -> None:
    found = settings({ENDPOINT: "https://collector", HEADERS: f"api-key={HUSH}%2C1, x-team = ours"})
    assert found.headers == {"api-key": f"{HUSH},1", "x-team": "ours"}
    assert HUSH not in repr(found)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({ENDPOINT: "collector:4318"}, ENDPOINT),
        ({ENDPOINT: "grpc://collector"}, ENDPOINT),
        ({ENDPOINT: f"http://me:{HUSH}@collector"}, ENDPOINT),
        ({ENDPOINT: "http://collector:99999"}, ENDPOINT),
        ({ENDPOINT: f"http://collector/?key={HUSH}"}, ENDPOINT),
        ({ENDPOINT: "http://collector", HEADERS: f"api-key={HUSH}"}, HEADERS),
        ({HEADERS: f"api key={HUSH}"}, HEADERS),
        ({HEADERS: f"api-key={HUSH}%0a"}, HEADERS),
        ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "OTEL_TRACES_SAMPLER"),
        ({"OTEL_TRACES_SAMPLER_ARG": "1.1"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER_ARG": "nan"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER_ARG": "some"}, "OTEL_TRACES_SAMPLER_ARG"),
    ],
)
def test_other_values_are_refused_by_name_and_not_quoted(changes: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        trace_settings({**HERE, **changes})
    assert HUSH not in str(refused.value)
