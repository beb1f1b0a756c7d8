"""What `horolog login` has left: tokens of a user, kept privately, used for one address, renewed when they are due.

Guarantee: the tokens go to the address that gave them and to no other. A refresh token serves once, so of several
commands at the same time one renews and the others wait for it. Nothing here is ever printed.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx

from horolog.cli.connection import data_directory
from horolog.cli.private_files import write_private
from horolog.cli.problems import CliProblem, wrong_use

LOGIN_FILE = "login.json"
LOCK_FILE = "login.lock"
DUE_S = 60.0
"""A token that is good for less than this is renewed first."""
REFRESH_PATH = "/api/v1/auth/refresh"


@dataclass(frozen=True, slots=True)
class LoginSession:
    """Who has signed in, where, and until when (Unix seconds) the access token is good."""

    url: str
    name: str
    expires_at: float
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def granted(url: str, name: str, answer: Mapping[str, Any], now_s: float) -> LoginSession:
    """The session that an answer with tokens opens."""
    expires_at = now_s + float(answer["expiresIn"])
    return LoginSession(url, name, expires_at, str(answer["accessToken"]), str(answer["refreshToken"]))


def read_session(url: str, environment: Mapping[str, str]) -> LoginSession | None:
    """The session at this address, if that is where somebody has signed in.

    Raises:
        CliProblem: its file cannot be read.
    """
    path = data_directory(environment) / LOGIN_FILE
    try:
        kept = LoginSession(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        advice = "Remove it, and sign in again with `horolog login`."
        raise wrong_use(f"{path} cannot be read: {type(error).__name__}", advice) from error
    return kept if kept.url == url else None


def write_session(session: LoginSession, environment: Mapping[str, str]) -> None:
    """Keep the session instead of any other."""
    folder = data_directory(environment)
    folder.mkdir(parents=True, exist_ok=True)
    write_private(folder / LOGIN_FILE, json.dumps(asdict(session)))


def forget_session(environment: Mapping[str, str]) -> None:
    """Keep none."""
    (data_directory(environment) / LOGIN_FILE).unlink(missing_ok=True)


def session_token(url: str, environment: Mapping[str, str], http: httpx.Client, now_s: float) -> str | None:
    """The access token for this address, renewed if it is due; None when nobody has signed in there.

    Raises:
        CliProblem: the session has ended.
    """
    kept = read_session(url, environment)
    if kept is None or kept.expires_at - now_s > DUE_S:
        return None if kept is None else kept.access_token
    with locked(environment):
        # Another command may have renewed it meanwhile, or signed out.
        kept = read_session(url, environment)
        if kept is None or kept.expires_at - now_s > DUE_S:
            return None if kept is None else kept.access_token
        return _renewed(kept, environment, http, now_s)


@contextmanager
def locked(environment: Mapping[str, str]) -> Iterator[None]:
    """While this is held, no other command renews or replaces the tokens."""
    folder = data_directory(environment)
    folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _renewed(kept: LoginSession, environment: Mapping[str, str], http: httpx.Client, now_s: float) -> str:
    try:
        # Not repeated: if only the answer was lost, the token has been used, and showing it again ends the session.
        answer = http.post(kept.url + REFRESH_PATH, json={"refreshToken": kept.refresh_token})
        body = answer.json() if answer.content else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        # The command itself will find out, and say so.
        return kept.access_token
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        forget_session(environment)
        raise CliProblem("SIGNED_OUT", f"The session at {kept.url} has ended.", "Sign in again with `horolog login`.")
    if not answer.is_success or not isinstance(body, dict) or "accessToken" not in body:
        return kept.access_token
    renewed = granted(kept.url, kept.name, body, now_s)
    write_session(renewed, environment)
    return renewed.access_token
