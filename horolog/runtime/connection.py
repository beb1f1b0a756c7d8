"""Where the API is and who asks: as was said, else from the environment, else what `horolog dev` left behind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_URL = "http://127.0.0.1:3009"
CLIENT_FILE = "client.json"


@dataclass(frozen=True, slots=True)
class Connection:
    """The API's address, without a slash at its end, and the bearer token if there is one."""

    url: str
    token: str | None = field(default=None, repr=False)


class NoConnection(ValueError):
    """Where the API is cannot be told; `advice` says what to do."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


def connection(url: str | None, token: str | None, environment: Mapping[str, str]) -> Connection:
    """The connection that these words and this environment mean.

    The token in the client file is used only for the address in the same file, so it is never sent elsewhere.

    Raises:
        NoConnection: the address is not an http(s) URL, or the client file is not readable JSON.
    """
    left = _left_behind(data_directory(environment) / CLIENT_FILE)
    found = (url or environment.get("HOROLOG_URL") or left.get("url") or DEFAULT_URL).rstrip("/")
    if not found.startswith(("http://", "https://")):
        raise NoConnection(f"{found[:80]!r} is not an http or https address.", "For example http://127.0.0.1:3009")
    kept = left.get("token") if left.get("url", "").rstrip("/") == found else None
    return Connection(found, token or environment.get("HOROLOG_TOKEN") or kept)


def data_directory(environment: Mapping[str, str]) -> Path:
    """Where one machine's Horolog keeps its data: HOROLOG_HOME, else `.horolog` here."""
    return Path(environment.get("HOROLOG_HOME") or ".horolog")


def _left_behind(path: Path) -> dict[str, str]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NoConnection(f"{path} cannot be read: {error}", "Remove it, or run `horolog dev` anew.") from error
    pairs = found.items() if isinstance(found, dict) else ()
    return {key: value for key, value in pairs if isinstance(value, str)}
