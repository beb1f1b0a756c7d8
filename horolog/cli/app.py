"""The command tree, and running a command line in it. Only the modules that a call needs are imported."""

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import typer
from typer.main import get_command

from horolog.cli.output import write_line, write_problem
from horolog.cli.problems import INTERRUPTED, USAGE, wrong_use

_MODULES = {
    "dev": "horolog.cli.process_commands",
    "serve": "horolog.cli.process_commands",
    "worker": "horolog.cli.worker_commands",
    "migrate": "horolog.cli.process_commands",
    "topics": "horolog.cli.process_commands",
    "keys": "horolog.cli.keys_commands",
    "job": "horolog.cli.job_commands",
    "exec": "horolog.cli.execution_commands",
    "events": "horolog.cli.event_commands",
    "login": "horolog.cli.login_commands",
    "logout": "horolog.cli.login_commands",
    "user": "horolog.cli.user_commands",
    "token": "horolog.cli.token_commands",
    "tenant": "horolog.cli.tenant_commands",
    "secret": "horolog.cli.secret_commands",
    "notify": "horolog.cli.notify_commands",
    "audit": "horolog.cli.audit_commands",
    "replay": "horolog.cli.replay_command",
    "verify": "horolog.cli.verify_command",
    "rebuild": "horolog.cli.verify_command",
    "backup": "horolog.cli.backup_command",
    "restore": "horolog.cli.backup_command",
    "next": "horolog.cli.next_command",
    "apply": "horolog.cli.apply_command",
    "export": "horolog.cli.export_command",
    "import": "horolog.cli.import_command",
    "doctor": "horolog.cli.doctor_command",
    "openapi": "horolog.cli.document_commands",
    "asyncapi": "horolog.cli.document_commands",
    "docs": "horolog.cli.document_commands",
}
"""Command → the module whose `register(app)` declares it; in the order of the help."""


def assemble(first: str | None = None) -> typer.Typer:
    """The whole command tree; with `first`, the name of a command, as little of it as that command needs."""
    app = typer.Typer(
        name="horolog",
        help="Horolog: a job scheduler in which every fire is accounted for.",
        epilog="Example:  horolog dev --for 60s",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    wanted = {first: _MODULES[first]} if first in _MODULES else _MODULES
    for module in dict.fromkeys(wanted.values()):
        import_module(module).register(app)
    return app


def run(arguments: list[str], as_json: bool) -> int:
    """Run one command line; the exit code. Mistakes of use are written to stderr."""
    first = arguments[0] if arguments and not arguments[0].startswith("-") else None
    command = get_command(assemble(first))
    try:
        code = command.main(args=arguments or ["--help"], prog_name="horolog", standalone_mode=False)
    except typer.TyperException as error:
        return _wrong_use(error, as_json)
    except typer.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def _wrong_use(error: typer.TyperException, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    help_of = f"{context.command_path} --help" if context is not None else "horolog --help"
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message() + "\n")
    else:
        write_problem(wrong_use(error.format_message(), f"{help_of} shows how."), as_json)
    return USAGE


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            write_line(f"horolog {version('horolog')}")
        except PackageNotFoundError:
            write_line("horolog, not installed: run from its sources")
        raise typer.Exit


def _root(
    _: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True, callback=_print_version),
) -> None:
    """Nothing to do before a command."""
