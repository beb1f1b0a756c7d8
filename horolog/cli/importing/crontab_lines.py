"""Crontabs through the same port as every other source: each line as an entry, or the reason why it is none.

What a line means, `horolog.cli.crontab` says; it depends on the machine that the crontab is of.
"""

from functools import partial

from horolog.cli.crontab import CronEntry, Surroundings, read_crontab
from horolog.cli.importing.port import Imported, Mapped, Reader, Setting, Unmapped, gathered


def crontab_reader(surroundings: Surroundings) -> Reader:
    """The reader of crontabs in these surroundings, which name a time zone themselves."""

    def read(text: str, _: Setting) -> Imported:
        found = read_crontab(text, surroundings)
        taken = gathered((f"line {entry.line}", partial(_mapped, entry)) for entry in found.entries)
        refused = [Unmapped(f"line {line.line}", line.reason) for line in found.refused]
        return Imported(taken.entries, (*taken.unmapped, *refused))

    return read


def config_note(entry: CronEntry) -> str:
    """How the job differs from cron's run, in one line."""
    shell = "" if entry.args[:1] != ("-c",) else f"runs as {entry.command} -c"
    return "; ".join(part for part in (shell, *entry.notes) if part)


def _mapped(entry: CronEntry) -> Mapped:
    note = config_note(entry)
    return Mapped(entry.body(), (note,) if note else ())
