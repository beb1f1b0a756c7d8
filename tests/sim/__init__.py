"""The whole system in one thread, in virtual time, with faults drawn from a seed; the same seed, the same history.

The production coroutines of tickers, dispatchers, executors and projectors run as simulated processes over one log
in memory. What lies between them and the world is simulated: the network to the log and to the database, the sharing
out of partitions, clocks, the programs that attempts run, the callers. A nemesis kills, stalls, cuts off and
misleads them; then everything is healed, and checkers that know nothing of the product's decisions judge the log,
the read models and the record of what ran.

- `loop`, `process`     virtual time; processes that can be killed and stalled at any step
- `plan`, `schedules`   what a seed says: topology, jobs, faults, moment
- `network`, `group`, `database`, `runner`   the world around the processes
- `client`, `nemesis`   who asks and who harms
- `world`               puts a run together; `campaign` runs many
- `history`, `checks`   what happened, and whether it may
- `mutants`             known-wrong behaviours that the checkers have to catch
"""
