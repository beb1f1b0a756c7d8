"""The `horolog` command: a client of the API, the cron calculator, jobs as files, imports and the doctor.

Guarantee: every command answers with a sentence or, with `--json`, with JSON; never with a traceback. The exit
code is 0 for success, 1 when something was refused or found wrong, 2 for a wrong use of the command line (and for a
dry run of `apply` that finds differences), and 3 when the API does not answer. Commands are registered by name and
their modules imported only when used, so that `horolog next` starts without the weight of the services.

`serve`, `migrate`, `topics` and `dev` are declared here and run by `serve`, `preparation` and `dev`.
"""
