"""The pure inside: values and rules, with neither I/O nor clock nor randomness.

- `cron`       which instants an expression names.
- `schedule`   which instants a job owes, version by version.
- `identity`   names that follow from what they name, so that nothing can happen twice.
- `misfire`    what becomes of instants that nobody was there to fire.
- `overlap`    which of a job's executions may go on, and what becomes of the others.
- `retry`      whether and when a failed attempt is tried again.
- `execution`  one execution that is still going on, and how events change it.
- `fairness`   whose turn it is among tenants and priorities.
- `notifications`   who is told what of jobs, how often, and in which words.
- `signing`    signatures on requests, by which whoever gets them knows who sent them.
- `addresses`, `request_headers`   where an HTTP job may go, and what it may not say.
- `seals`      how a worker knows that a dispatcher wrote what it is to run.
- `command_seals`, `command_rights`   how a dispatcher knows who gives it a command, and what that key is for.
- `signing`    how whoever gets a request of ours knows that it is one.
- `audit`      the chains of the audit trail.
"""
