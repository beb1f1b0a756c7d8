"""The log in one process: durable in one SQLite file, or in memory alone.

Guarantee: all of the port's promises, without a server. A commit that was acknowledged survives `kill -9` and loss of
power (WAL, `synchronous=FULL`); what was not acknowledged is there as a whole or not at all. One process owns the file;
a second one is refused. In memory the log uses neither threads nor real time, so that it runs the same way every time
under a loop with a virtual clock.

`log` is what callers see; `tail` holds what was written lately and wakes readers; `memory` and `sqlite` keep
the records.
A write goes engine → disk → tail → readers; a read comes from the tail, or, when it begins before it, from the engine.
"""

from horolog.log.embedded.log import EmbeddedLog

__all__ = ["EmbeddedLog"]
