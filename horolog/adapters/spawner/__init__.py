"""Processes of attempts, started and ended by a small process of its own.

The executor talks over a socket pair to one persistent spawner (`python -m horolog.adapters.spawner`, about
10 MB, standard library only). It starts each program in a session of its own, with limits, a clean environment
and no way to gain privileges, and it is the reaper of every descendant, so that a program's whole process tree
can be ended, including what called `setsid`.

Guarantees: the end of a process is told once, after nothing of its tree is left; whatever runs dies with the
spawner, and the spawner dies with the executor. In a box the kernel sees to all that, and a program sees and reaches
nothing of the executor's or of other programs.

- `client`   the executor's side: `Spawner`, which starts the spawner when it is first needed and after it died
- `server`   the spawner's loop: requests in, ends out
- `child`    from the fork to the exec
- `tree`     who descends from whom, read from /proc
- `cells`    what keeps programs apart: accounts (`accounts`), boxes, directories, control groups
- `namespaces`, `box`, `syscalls`  a box: the first process in it, its file system, what may not be asked of the kernel
- `kernel`   the calls of Linux that Python has no names for

A small process, because Linux carries the peak memory of a process that forks over into what it starts: measured
from a large one, every program would seem to be as large (getrusage(2), `ru_maxrss`).
"""
