"""Where traces are sent, by the names that OpenTelemetry gives its settings; without an address nothing is traced.

Guarantee: what a collector is told as a password goes over an encrypted connection, or stays on this machine.
Source: OpenTelemetry specification, environment variables, and the protocol exporter's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from horolog.runtime.secret_files import private_text, secret
from horolog.runtime.settings_error import SettingsError

SERVICE_NAME_DEFAULT = "horolog"
_ENDPOINT, _TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_HEADERS, _AUTHORITIES = "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_CERTIFICATE"
_SAMPLER, _SHARE = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
_PATH = "/v1/traces"
_SHARES = {"parentbased_always_on": 1.0, "parentbased_always_off": 0.0, "parentbased_traceidratio": None}
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_NAME, _VALUE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"), re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """The address that spans are posted to, what each request says besides, and which share of traces is kept.

    The server is believed by the system's authorities, or by those in the file `authorities`.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ratio: float = 1.0
    service_name: str = SERVICE_NAME_DEFAULT
    authorities: str | None = None


def trace_settings(
    environment: Mapping[str, str], read_file: Callable[[str], str] = private_text
) -> TraceSettings | None:
    """The settings; None where no address is named, or `OTEL_SDK_DISABLED` is true.

    Raises:
        SettingsError: a value cannot be used.
    """
    url = _url(environment)
    if url is None or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    headers = _headers(secret(environment, "OTEL_EXPORTER_OTLP_HEADERS", read_file))
    place = urlsplit(url)
    if headers and place.scheme != "https" and place.hostname not in _THIS_MACHINE:
        raise SettingsError(f"{_HEADERS} may hold a password: the collector's address must begin with https://")
    return TraceSettings(
        url=url,
        headers=headers,
        ratio=_ratio(environment),
        service_name=environment.get("OTEL_SERVICE_NAME") or SERVICE_NAME_DEFAULT,
        authorities=environment.get(_AUTHORITIES) or None,
    )


def _url(environment: Mapping[str, str]) -> str | None:
    name = _TRACES_ENDPOINT if environment.get(_TRACES_ENDPOINT) else _ENDPOINT
    text = environment.get(name, "").strip()
    if not text:
        return None
    place = _place(text)
    if place is None:
        raise SettingsError(f"{name} must be an address such as http://127.0.0.1:4318 (OTLP over HTTP)")
    if place.username is not None or place.query or place.fragment:
        raise SettingsError(f"{name} must have no password, query or fragment; {_HEADERS} takes what is secret")
    return text if name == _TRACES_ENDPOINT else text.rstrip("/") + _PATH


def _place(text: str) -> SplitResult | None:
    try:
        place = urlsplit(text)
        is_place = place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:
        return None
    return place if is_place and text.isascii() and text.isprintable() and " " not in text else None


def _headers(text: str) -> dict[str, str]:
    entries = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    headers = {name.strip(): unquote(value.strip()) for name, _, value in entries}
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers.items()):
        raise SettingsError(f"{_HEADERS} must be name=value, with commas between several, and %2C for a comma in one")
    return headers


def _ratio(environment: Mapping[str, str]) -> float:
    sampler = environment.get(_SAMPLER) or "parentbased_traceidratio"
    if sampler not in _SHARES:
        raise SettingsError(f"{_SAMPLER} must be one of {', '.join(_SHARES)}")
    if (share := _SHARES[sampler]) is not None:
        return share
    try:
        ratio = float(environment.get(_SHARE) or 1.0)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise SettingsError(f"{_SHARE} must be a number from 0 to 1: the share of traces that is kept")
    return ratio
