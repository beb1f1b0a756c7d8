"""The audit trail, sent to an outside audit service.

In: the rows of `audit_chain`, which the projector writes. Out: requests to the service. State: `audit_sink_positions`.
Guarantee: of each chain every entry is sent, in order, at least once, and nothing is passed over. A position moves
only after the service has answered 2xx. A batch is written down before it is sent: whatever ends the sender between
the answer and the position, the next one sends the very same batch under the same id. One process sends at a time.

On failure: an answer that says "later", or none, is tried again ever more slowly; any other one holds its chain, which
is told and tried again slowly while the others go on. Without PostgreSQL the sink waits and begins again by itself;
the projector never waits for it.

- `batching`   entries into batches: the document, its id, its size.
- `pacing`     what an answer means, and how long to wait after it.
- `turns`      whose turn it is among the chains.
- `outbox`     rows and positions in PostgreSQL.
- `posting`    one signed request.
- `sink`       the loop that brings them together.
- `settings`   where to, and how.
"""
