"""Every bound of the system, with its unit last in its name; how they relate is asserted below.

A loop, queue, buffer or wait that is not bounded by one of these is a mistake.
"""

from schemas.topics import ANALYTICS, COMMANDS, RECORD_BYTES_MAX

API_BODY_BYTES_MAX = 512 * 1024
API_WAIT_S = 5.0
"""How long the API waits for the outcome of a command before it answers that no owner did."""
API_PAGE_COUNT_MAX = 200
API_PAGE_COUNT_DEFAULT = 50
AUDIT_WAITING_COUNT_MAX = 10_000
"""How many calls may wait for being written to the audit trail; of others only the number is told."""
AUDIT_BATCH_COUNT_MAX = 500
AUDIT_WRITE_S_MAX = 5.0
AUDIT_FLOOD_COUNT_PER_S = 10
"""How many calls of nobody, or refused for coming too often, are told each by itself in a second."""
EVENT_STREAM_BEAT_S = 15.0
"""How often a stream of events says that it lives, and how far it has come, while there is nothing to tell."""
EVENT_STREAM_CHECK_S = 5.0
"""How often it is asked again whether the caller of a stream may still see it; what is remembered of a session is as
old at most, so a stream outlives a revocation by no more than both together."""
EVENT_STREAM_STALL_S = 10.0
"""A client that takes nothing of what is sent for so long is given up."""
EVENT_STREAM_COUNT_MAX = 500
EVENT_STREAM_PER_TENANT_COUNT_MAX = 50
EVENT_STREAM_PER_CALLER_COUNT_MAX = 10
"""How many streams one process of the API serves at a time: of all, of one tenant, of one caller."""
EVENT_STREAM_WAITING_COUNT_MAX = 2000
EVENT_STREAM_WAITING_BYTES_MAX = 1024 * 1024
"""A stream for whose client more than either waits is cut off; the client may go on from what it has."""
EVENT_STREAM_INBOX_BYTES_MAX = 4 * 1024 * 1024
"""With more than this waiting in a partition for the read models, nothing more of it is read for the streams."""
EVENT_STREAM_TURN_RECORD_COUNT_MAX = 500
"""How many records are looked at for the streams at a time, before anything else has its turn."""
EVENT_STREAM_PIECE_RECORD_COUNT_MAX = 5000
EVENT_STREAM_PIECE_BYTES_MAX = 256 * 1024
"""How many older records are read for one stream at a time, or how much is found in them, before others read."""
EVENT_STREAM_READING_COUNT_MAX = 4
"""For so many tenants older records are read at the same time, in one process."""
EVENT_STREAM_BEHIND_COUNT_MAX = 1_000_000
"""A stream that would have to go on from further back is not served: there are lists for what is so old."""
EVENT_STREAM_LOOK_S = 0.1
"""How often it is looked how far the read models are, while an event waits for them."""
AUDIT_SINK_BATCH_COUNT_DEFAULT = 100
AUDIT_SINK_BATCH_COUNT_MAX = 1000
"""How many entries one request to an outside audit service carries."""
AUDIT_SINK_BATCH_BYTES_MAX = 1024 * 1024
"""It carries fewer where it would be larger than this, but one at least."""
AUDIT_SINK_ANSWER_S_DEFAULT = 10.0
AUDIT_SINK_ANSWER_S_MAX = 60.0
"""How long the service may take to answer, with everything that belongs to it."""
AUDIT_SINK_ANSWER_BYTES_MAX = 16 * 1024
"""No more of an answer's body is read, and nothing of it is kept: it is taken in for the connection's sake."""
AUDIT_SINK_CONCURRENT_COUNT_MAX = 8
"""To so many chains of different tenants requests are under way at a time; of one chain there is one at most."""
AUDIT_SINK_LOOK_INTERVAL_S = 1.0
"""How often it is looked for entries that wait, and for whether another process has stopped sending."""
AUDIT_SINK_PAUSE_S_MIN = 1.0
AUDIT_SINK_PAUSE_S_MAX = 60.0
"""Between two tries, twice as long each time, and spread out by chance."""
AUDIT_SINK_RETRY_AFTER_S_MAX = 900.0
"""A service that asks for more patience than this is asked again all the same."""
AUDIT_SINK_HELD_S = 300.0
"""A chain that the service refuses is tried again so often."""
AUDIT_SINK_STOP_S_MAX = 3.0
"""How long an answer that is under way is waited for when the process is to end."""

BEAT_INTERVAL_S = 1.0
WORKER_QUIET_S = 2.5
"""After so long without a beat a worker is handed something only if no other has room."""
LEASE_S = 10.0
"""An attempt that no beat has named for this long is lost."""
WORKER_PROGRESS_S = 5.0
"""A worker that beats, but leaves alone for this long what it could take or start, gets nothing more."""
REPORT_UNTOLD_S = 60.0
"""What may be over already counts as not started only after this long: so long may its report be under way."""
WORKER_REST_S = 10.0
"""After this long it is tried with one attempt; twice as long after each trial that fails, and at most
`WORKER_REST_S_MAX`."""
WORKER_REST_S_MAX = 300.0
LOST_ATTEMPT_COUNT_MAX = 5
"""How many attempts of an execution may be lost with their workers before it counts as failed."""
CANCEL_GRACE_S = 5.0
"""Between SIGTERM and SIGKILL."""
TIMEOUT_BACKSTOP_S = 10.0
"""How long after an attempt's own timeout the dispatcher gives up on it, should its worker not report."""

CHECKPOINT_IDLE_S = 5.0
"""An owner with nothing to write still checkpoints this often: a sign of life."""
OWNER_STALE_S = 20.0
"""An owner whose last checkpoint is older than this counts as gone in `/health`."""

LOOKAHEAD_S = 1.5
"""How far ahead of its nominal instant a fire is emitted: between two seconds, so that admitting the fires of one
second does not meet the starts of another."""
DISPATCH_AHEAD_S = 0.2
"""How far ahead of its nominal instant a task is handed to a worker, which then waits for the instant."""
TASK_TRANSIT_S = 0.15
"""A task that seems to have been under way for no longer, and not for less than nothing, tells nothing against the
worker's clock; with any other it does not rely on that clock alone."""
MISFIRE_GRACE_S = 60.0
"""A fire this late is merely late; beyond, the misfire policy decides."""
OVERDUE_S = 30.0
"""An instant that has come this long ago, and of which the ledger does not tell, is overdue; a ticker whose watermark
is older than this, or a read model that the log's end of so long ago has not reached, stands still."""
OVERDUE_LOOK_INTERVAL_S = 15.0
"""How often the API looks for what is overdue, and a ticker for partitions of its own that stand still."""
OVERDUE_LOOK_S_MAX = 60.0
"""A look that takes longer is given up; the next one goes on where it was."""
OVERDUE_LOOK_JOB_COUNT_MAX = 10_000
"""How many jobs one look of the API is about: of 100,000 jobs each is looked at every 150 seconds."""
OVERDUE_PAGE_JOB_COUNT = 500
OVERDUE_KEPT_COUNT_MAX = 100_000
"""Where more are overdue than this, the rest is not looked for: counts are then lower bounds."""
OVERDUE_LOOK_BACK_S = 32 * 86_400.0
"""What was owed longer ago is for the ledger's proof to tell: by then its row may be out of retention."""
OVERDUE_NAMED_COUNT_MAX = 20
"""How many overdue jobs an answer names."""
TAKE_S_MAX = 300.0
"""A ticker that is still busy with taking a partition after this long takes it anew."""
TABLE_LOOK_COUNT_MAX = 1000
"""How many records of the job table one look of a ticker compares with what it holds in memory."""
DELETED_JOB_KEPT_S = 86_400.0
"""For so long a dispatcher remembers a deleted job, as its ticker may still say what it had owed: as long as the log
keeps a superseded record of the job table, without which no ticker knows either."""
DELETED_JOB_KEPT_COUNT = 10_000
"""How many deleted jobs of a partition are remembered at most; the latest ones."""
FIRES_PER_TURN_COUNT_MAX = 5000
"""How many fires one commit of the ticker may hold; the rest follow in the next."""

TURN_RECORD_COUNT_MAX = 2000
"""How many input records one turn of an owner takes."""
TURN_BYTES_MAX = 4 * 1024 * 1024
"""A turn takes no more than this, but for a single larger record; what it writes is of a like size."""
INBOX_RECORD_COUNT_MAX = 20_000
INBOX_BYTES_MAX = 32 * 1024 * 1024
"""With more than either waiting for an owner's turns, nothing more is read for its partition."""
FEED_POLL_RECORD_COUNT_MAX = 5000
FEED_LOOK_INTERVAL_S = 0.25
"""How often it is looked whether an owner's inputs are behind."""
FEED_LOOK_STALE_S = 1.5
"""A look older than this says nothing any more: the process has stalled."""
FEED_SETTLE_S = 1.0
"""For this long after a stall the inputs count as behind: the log's end has to be heard anew."""
LAST_REPORTS_S = 3.0
"""After a worker's last word its last reports may still have to be read, for so long."""
DEAF_S = 7.0
"""A dispatcher that did not turn for this long has not listened either, and grants every lease anew."""
DEFINITION_BYTES_MAX = 480_000
"""A change carries the definition before it and the one after it, and must fit into one record."""
PARAMETERS_BYTES_MAX = 480_000
"""A task carries the parameters of a trigger merged over the job's own, and must fit into one record."""
REFUSED_VALUE_BYTES_MAX = 64 * 1024
"""How much of a refused record's value its dead letter holds."""
REFUSAL_REASON_LENGTH_MAX = 2000
QUEUED_PER_TENANT_COUNT_MAX = 20_000
"""How many of a tenant's executions may wait, unless its quota says otherwise."""
GAP_LOOK_DAYS = 366
GAP_LOOK_FIRE_COUNT_MAX = 5000
"""How far ahead, and at how many instants, the shortest gap of a schedule is looked for."""
TENANT_SETTINGS_BYTES_MAX = 200_000
"""A change carries the settings before it and the ones after it, and must fit into one record."""
TENANT_POOL_COUNT_MAX = 32
"""For so many lists of networks a worker keeps connections; with any other, it opens one for each request."""
REMEMBERED_OUTCOME_COUNT = 20_000
"""How many outcomes a partition remembers, to answer repeated commands."""
SCHEDULE_CHANGES_KEPT_COUNT = 8

OUTPUT_BYTES_MAX = 64 * 1024
"""How much of stdout, of stderr and of an HTTP answer's body is kept."""
OUTPUT_INTERVAL_S = 1.0
"""How often what a run has printed is told while it goes on, at most; one that ends before is told with its end."""
OUTPUT_FLUSH_S = 0.1
"""Appends of what runs print lie at least this far apart."""
OUTPUT_REST_S = 5.0
"""After the log has not taken what runs print it is left alone for so long."""
OUTPUT_BATCH_BYTES_MAX = 1024 * 1024
"""How much of what runs print one append holds, but for the last one's share; of their ends no more than this waits."""
OUTPUT_LOOK_RECORD_COUNT_MIN = 500
OUTPUT_LOOK_RECORD_COUNT_MAX = 100_000
"""How many of a partition's newest records are looked at, at first and at most, for what a run has printed before
somebody listens."""
OUTPUT_LOOK_BACK_S = 60.0
"""So long before a run's own start it is looked: clocks differ."""
HTTP_BODY_READ_BYTES_MAX = 1024 * 1024
"""An HTTP answer larger than this is an error."""
RESULT_BYTES_MAX = 256 * 1024

PROJECTION_BATCH_COUNT_MAX = 5000
OUTCOME_ROW_KEPT_S = COMMANDS.retention_ms / 1000
"""How long a command's outcome can be asked for: as long as the command itself is kept."""
WINDOW_ROW_KEPT_S = ANALYTICS.retention_ms / 1000
"""How long the figures of a minute can be asked for: as long as what told them is kept."""
WORKER_ROW_KEPT_S = 86_400.0
"""How long a worker that has fallen silent is remembered."""
PRUNE_INTERVAL_S = 3600.0
PRUNED_ROW_COUNT_MAX = 5000
"""How many rows of a table are removed at a time; while there are more, `PRUNE_PAUSE_S` apart."""
PRUNE_PAUSE_S = 1.0

METRICS_TENANT_COUNT_MAX = 500
"""Tenants beyond these share one label, unless told otherwise: the figures of a process stay within a few megabytes."""
METRICS_TENANT_COUNT_BOUND = 10_000
"""To how many tenants an operator may raise that."""
METRICS_SAMPLE_INTERVAL_S = 30.0
METRICS_ERROR_RATE_WINDOW_S = 300.0
"""Over how long the rate of errors is told."""
METRICS_OPEN_EXECUTION_COUNT_MAX = 100_000
"""Of how many open executions a projector remembers what its figures need; of others it asks the database."""
METRICS_CONNECTION_COUNT_MAX = 16
METRICS_REQUEST_BYTES_MAX = 8 * 1024
METRICS_ANSWER_S_MAX = 10.0
TRACE_WAITING_COUNT_MAX = 8192
"""How many spans may wait for being sent; of others only the number is told."""
TRACE_BATCH_COUNT_MAX = 256
"""How many one request carries: putting them together holds up the process for a millisecond or two."""
TRACE_INTERVAL_S = 1.0
"""How long spans gather before they are sent; after a failure twice as long each time, up to `TRACE_PAUSE_S_MAX`."""
TRACE_PAUSE_S_MAX = 60.0
TRACE_ANSWER_S_MAX = 10.0
TRACE_ANSWER_BYTES_MAX = 16 * 1024
"""No more of an answer's body is read: it is taken in for the connection's sake."""
TRACE_STOP_S_MAX = 2.0
"""How long a process that ends tries to get rid of what waits."""
TRACE_TEXT_LENGTH_MAX = 255
"""Of an attribute."""

assert EVENT_STREAM_PER_CALLER_COUNT_MAX < EVENT_STREAM_PER_TENANT_COUNT_MAX < EVENT_STREAM_COUNT_MAX
assert RECORD_BYTES_MAX < EVENT_STREAM_INBOX_BYTES_MAX
assert EVENT_STREAM_TURN_RECORD_COUNT_MAX < EVENT_STREAM_WAITING_COUNT_MAX
assert EVENT_STREAM_CHECK_S + EVENT_STREAM_LOOK_S < EVENT_STREAM_BEAT_S
assert AUDIT_SINK_BATCH_COUNT_DEFAULT <= AUDIT_SINK_BATCH_COUNT_MAX
assert AUDIT_SINK_ANSWER_S_DEFAULT <= AUDIT_SINK_ANSWER_S_MAX
assert AUDIT_SINK_PAUSE_S_MIN < AUDIT_SINK_PAUSE_S_MAX < AUDIT_SINK_HELD_S <= AUDIT_SINK_RETRY_AFTER_S_MAX
assert BEAT_INTERVAL_S * 2 < WORKER_QUIET_S < LEASE_S
assert BEAT_INTERVAL_S * 3 < LEASE_S
assert BEAT_INTERVAL_S * 3 < WORKER_PROGRESS_S
assert WORKER_PROGRESS_S + BEAT_INTERVAL_S * 3 < LEASE_S <= WORKER_REST_S < WORKER_REST_S_MAX
assert DISPATCH_AHEAD_S * 10 < WORKER_PROGRESS_S < REPORT_UNTOLD_S
assert CHECKPOINT_IDLE_S * 3 < OWNER_STALE_S
assert CHECKPOINT_IDLE_S * 3 < OVERDUE_S < MISFIRE_GRACE_S
assert OVERDUE_PAGE_JOB_COUNT <= OVERDUE_LOOK_JOB_COUNT_MAX <= OVERDUE_KEPT_COUNT_MAX
assert TRACE_BATCH_COUNT_MAX < TRACE_WAITING_COUNT_MAX
assert TRACE_INTERVAL_S < TRACE_PAUSE_S_MAX
assert TASK_TRANSIT_S < DISPATCH_AHEAD_S < LOOKAHEAD_S
assert RESULT_BYTES_MAX > 2 * OUTPUT_BYTES_MAX
assert 8 * OUTPUT_BYTES_MAX < RECORD_BYTES_MAX
assert OUTPUT_FLUSH_S < OUTPUT_INTERVAL_S < OUTPUT_REST_S < LEASE_S
assert OUTPUT_LOOK_RECORD_COUNT_MIN < OUTPUT_LOOK_RECORD_COUNT_MAX
assert RECORD_BYTES_MAX < TURN_BYTES_MAX < INBOX_BYTES_MAX
assert TURN_RECORD_COUNT_MAX < INBOX_RECORD_COUNT_MAX
assert FEED_LOOK_INTERVAL_S * 10 < LEASE_S
assert FEED_LOOK_INTERVAL_S * 4 < FEED_LOOK_STALE_S < LEASE_S / 2
assert CHECKPOINT_IDLE_S < DEAF_S <= LEASE_S - 3 * BEAT_INTERVAL_S
assert 2 * DEFINITION_BYTES_MAX < RECORD_BYTES_MAX
assert DEFINITION_BYTES_MAX + PARAMETERS_BYTES_MAX < RECORD_BYTES_MAX
assert 4 * TENANT_SETTINGS_BYTES_MAX < RECORD_BYTES_MAX
assert WORKER_ROW_KEPT_S > LEASE_S
