"""The executor: runs attempts that the dispatcher hands to this worker, and reports how they ended.

Reads `tasks.v1` and `control.v1` in one partition, the worker's inbox; writes `results.v1`, `workers.v1`, `output.v1`,
and to `dlq.v1` what in its inbox makes no sense.

An attempt is one pipeline: decode → guard → open → run → scrub → classify → report. It is *waiting* until its
instant has come and there is room, then *running* until its runner says that nothing of it is left, then reported,
and forgotten once the log accepted the report.

Guarantees: only attempts addressed to this worker run, on Kafka none that no dispatcher has sealed, none before its
`not_before`, each attempt number at most once; at its timeout an attempt ends with its whole process tree; every end
is reported at least once. Programs and functions are kept apart as far as the worker's level of isolation says, which a
trial run has shown to hold; what demands more does not run. A worker of the SDK runs the functions that are registered
with it, by the same runner, and nothing else.

Room: `capacity` attempts run at a time, and of each type no more than its runner takes (functions: one for each of
`function_process_count` processes at work; more are kept, since each is one tenant's). Of what the worker holds, an
attempt whose type has no room holds up none of another type, whatever its priority. But a beat names one room for all
types: so many slow functions that they fill `capacity + prefetch` of every worker keep the others waiting at the
dispatcher, in its fair order, until some end.

Failure: safety comes from the lease, not from redelivery. A beat a second names every held attempt. When no beat
reached the log for a lease, everything that runs is killed, what waited is given back, and the worker begins anew
at the end of its inbox, as if it had just been started.

- `worker`      the life of one worker: sessions, beats, draining
- `inbox`       records in, messages out
- `hand`        the held attempts: who waits, who is ready, who runs
- `ready`       which of the ready ones is next
- `attempt`     one held attempt, and the classification of its end
- `reports`     what is told to the log, in batches
- `live_output` what runs print, told while they go on
- `guard`       the step that may refuse an attempt before it runs
- `opening`     the step that decrypts an attempt's secrets, and only for the attempt
- `scrubbing`   takes them out of what it prints and reports
- `egress`      the connections of HTTP jobs, to where they may go
- `runners`     http, function, command
- `trial`       whether programs are really kept apart
- `places`      what of the machine programs see
- `tracing`     which trace an attempt belongs to, and its span
- `registered`  which functions a worker of the SDK has registered
- `composition` puts a worker together
"""
