"""Where the API is, for commands: what `horolog.runtime.connection` finds, and its problems as those of a command."""

from collections.abc import Mapping

from horolog.cli.problems import wrong_use
from horolog.runtime import connection as runtime
from horolog.runtime.connection import DEFAULT_URL, Connection, NoConnection, data_directory

__all__ = ["DEFAULT_URL", "Connection", "connection", "data_directory"]


def connection(url: str | None, token: str | None, environment: Mapping[str, str]) -> Connection:
    """The connection that a command's options and this environment mean.

    Raises:
        CliProblem: there is none.
    """
    try:
        return runtime.connection(url, token, environment)
    except NoConnection as error:
        raise wrong_use(str(error), error.advice) from error
