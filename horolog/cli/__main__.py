"""Entry of the `horolog` command: runs one command line and turns whatever happens into an exit code."""

import os
import sys
from collections.abc import Sequence

from horolog.cli.output import write_problem
from horolog.cli.problems import INTERRUPTED, REFUSED, CliProblem


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code. `HOROLOG_TRACEBACK=1` lets an unforeseen error show where it arose."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in _before_separator(arguments)
    try:
        return _run(arguments, as_json)
    except CliProblem as problem:
        write_problem(problem, as_json)
        return problem.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the answer has left; without this, Python would complain while flushing at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except Exception as error:
        if os.environ.get("HOROLOG_TRACEBACK"):
            raise
        advice = "This is a defect of Horolog. Run again with HOROLOG_TRACEBACK=1 and report what it prints."
        write_problem(CliProblem("UNFORESEEN", f"{type(error).__name__}: {error}", advice), as_json)
        return REFUSED


def _run(arguments: list[str], as_json: bool) -> int:
    if arguments[:1] == ["next"]:
        from horolog.cli import fires  # noqa: PLC0415 - other commands need no cron engine

        if (question := fires.read_question(arguments[1:])) is not None:
            return fires.run(question)
    from horolog.cli import app  # noqa: PLC0415 - typer takes longer to load than `next` takes to answer

    return app.run(arguments, as_json)


def _before_separator(arguments: Sequence[str]) -> Sequence[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


if __name__ == "__main__":
    sys.exit(main())
