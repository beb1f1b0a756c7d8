"""Streams of events: what happens to a tenant, told to whoever listens, while it happens.

In: `jobs`, `executions`, `audit` and `tenant-changes` of the listeners' partitions; for what a run prints `output` and
`executions`. Out: server-sent events.

Guarantee: a stream tells each fact of its tenant that it was asked for once, in the order of its topic, and only once
the read models show it. Each event carries an id; whoever comes back with it is told what follows, and nothing of that
is left out or told twice. What cannot be kept up (a client that is too slow, a log that does not answer, a right that
was taken away) ends the stream with a last event that says why, never in silence. Nobody is told of another tenant.
What a run prints is told at most once as well, and may have gaps, which its offsets tell; its final output has none.

    hub        one reader of the process for all that is new, handed to those who listen
    older      what lies between where a client was and where the hub is, read piece by piece
    frontier   how far the read models are: nothing is told before
    reading    what one stream reads: the older, then the new
    stream     one client's stream: what is read, beats, and whether its caller may still see it
    events     what a stream of events tells
    output     what the stream of one run tells
    desk       opening a stream: where it begins, and whether there is room; `output_desk` the same for a run's
    spots      where a stream is, as an opaque id
    facts      what is told of a record
    frames     the wire format (WHATWG HTML, section 9.2)
    answer     sending it over HTTP

On failure: a stream ends; its client comes back with the id of what it saw last.
"""
