"""The services: each one a process of its own, or a part of `horolog dev`.

- `api`         takes commands, answers questions.
- `ticker`      emits the fires that schedules owe.
- `dispatcher`  decides what becomes of commands, fires and reports.
- `executor`    runs attempts.

No service imports another; they meet only on the log and in the read models.
"""
