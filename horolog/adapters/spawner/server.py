"""The spawner's loop: requests to start and to stop in, ends out.

One thread, one `poll`. A process moves RUNNING → (STOPPING) → LINGERING → SWEEPING and is told as ended once its
leader was reaped and nothing of its tree is left:

- RUNNING    until its leader exits
- STOPPING   was sent SIGTERM, and will be sent SIGKILL when its grace is over
- LINGERING  the leader has exited, others of its tree have not: they get a moment to finish what they write
- SWEEPING   SIGKILL to all that is left, until nothing is

What has a control group is looked for there as well as in /proc, and killed there first: a process can hide its
parents, not the group that it is in.

In a box (`namespaces`) the leader is the first process, which lingers itself and takes all others along: no SWEEPING.
"""

import contextlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from horolog.adapters.groups import group
from horolog.adapters.spawner import tree
from horolog.adapters.spawner.child import become_reaper, fork_child

MESSAGE_BYTES_MAX = 4096
FILES_COUNT_MAX = 8
LINGER_S = 0.25
"""How long the rest of a tree may go on after its leader exited by itself."""
SWEEP_S = 2.0
"""How long killed processes may take to disappear; one in an uninterruptible wait may take longer."""
_SWEEP_STEP_S = 0.005
_LINGER_STEP_S = 0.02
_QUICK_S = 60.0
_LOOK_COUNT_MAX = 3

_FOREVER = float("inf")
_NOT_ISOLATED = {"account": None, "box": None, "groups": (), "network": True}


class Job:
    """One process tree. `step` is taken at `wake`; the phase must be over by `until` (monotonic seconds)."""

    __slots__ = (
        *("end", "group", "groups", "has_box", "id", "mark", "pid", "started"),
        *("status_fd", "step", "until", "wake", "was_stopped"),
    )

    def __init__(self, id_: int, pid: int, status_fd: int, mark: str, request: Mapping[str, Any]) -> None:
        self.id, self.pid, self.status_fd, self.mark = id_, pid, status_fd, mark
        self.has_box = request["box"] is not None
        self.groups: Sequence[str] = request["groups"]
        self.group: int | None = pid
        self.started = time.monotonic()
        self.step: Callable[[Job], None] | None = None
        self.wake = self.until = _FOREVER
        self.was_stopped = False
        self.end: dict[str, Any] = {"id": id_}


class Server:
    """Serves one channel until it is closed, or SIGTERM; then kills all that it started, and returns."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._jobs: dict[int, Job] = {}
        self._job_of_pid: dict[int, Job] = {}
        self._mark = f"{os.getpid()}."
        self._open = True

    def run(self) -> None:
        """Serve until the channel is closed."""
        become_reaper()
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._close)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(wake_read, select.POLLIN)
        poll.register(self._channel, select.POLLIN)
        while self._open:
            ready = {fd for fd, _ in poll.poll(self._patience_ms())}
            if wake_read in ready:
                _empty(wake_read)
            if self._channel.fileno() in ready:
                self._receive()
            self._turn()
        self._end_everything(poll)

    def _turn(self) -> None:
        self._reap()
        now = time.monotonic()
        for job in [job for job in self._jobs.values() if job.wake <= now]:
            if job.step is not None:
                job.step(job)

    def _end_everything(self, poll: select.poll) -> None:
        poll.unregister(self._channel)
        for job in list(self._jobs.values()):
            self._stop(job, 0.0)
        while self._jobs:
            poll.poll(self._patience_ms())
            self._turn()
        tree.kill_all(tree.adopted(tree.living_pids(), os.getpid(), {}, "").pids)

    def _close(self, *_: object) -> None:
        self._open = False

    def _patience_ms(self) -> int | None:
        deadline = min((job.wake for job in self._jobs.values()), default=_FOREVER)
        if deadline == _FOREVER:
            return None
        return max(0, int((deadline - time.monotonic()) * 1000) + 1)

    def _receive(self) -> None:
        try:
            data, files, _, _ = socket.recv_fds(self._channel, MESSAGE_BYTES_MAX, FILES_COUNT_MAX)
        except ConnectionResetError:
            # That is how the other side's end looks when it left something unread.
            data, files = b"", []
        # MSG_CMSG_CLOEXEC would do it, but `recv_fds` of Python 3.11 drops the flags that it is given.
        for fd in files:
            os.set_inheritable(fd, False)
        if not data:
            self._open = False
            return
        message = json.loads(data)
        if "start" in message:
            self._start(message["start"], files)
        elif (job := self._jobs.get(message["stop"])) is not None:
            self._stop(job, message["grace"])

    def _start(self, id_: int, files: list[int]) -> None:
        # The request comes in a file of its own: arguments and environment may exceed what a message can hold.
        with open(files[0], "rb") as file:
            file.seek(0)
            request = _NOT_ISOLATED | json.loads(file.read())
        mark = f"{self._mark}{id_}"
        request["environment"][tree.MARK] = mark
        try:
            pid, status_fd = fork_child(request, files[1:])
        except OSError as error:
            self._tell({"id": id_, "problem": ["fork", error.errno]})
            return
        finally:
            for fd in files[1:]:
                os.close(fd)
        self._jobs[id_] = self._job_of_pid[pid] = Job(id_, pid, status_fd, mark, request)

    def _stop(self, job: Job, grace_s: float) -> None:
        kill_at = time.monotonic() + grace_s
        if grace_s <= 0 or job.pid not in self._job_of_pid:
            self._kill(job)
        elif not job.was_stopped:
            self._signal(job, signal.SIGTERM)
            job.step, job.wake = self._kill, kill_at
        elif job.step == self._kill:
            # Asked again: the end may come sooner for it, never later.
            job.wake = min(job.wake, kill_at)
        job.was_stopped = True

    def _kill(self, job: Job) -> None:
        self._signal(job, signal.SIGKILL)
        group.kill(job.groups)
        # While the leader lives, the rest of the tree cannot be told apart; its exit continues from here.
        job.step, job.until = self._sweep, _FOREVER
        job.wake = _FOREVER if job.pid in self._job_of_pid else time.monotonic()

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            job = self._job_of_pid.pop(pid, None)
            if job is not None:
                self._leader_exited(job, status, usage.ru_maxrss, usage.ru_utime + usage.ru_stime)

    def _leader_exited(self, job: Job, status: int, peak_kib: int, cpu_s: float) -> None:
        problem, *numbers = os.read(job.status_fd, 200).decode().partition("\n")[0].split() or [""]
        os.close(job.status_fd)
        cpu_ms = round(cpu_s * 1000)
        if problem == "ended":
            # What exited is the first process of a box: how the program ended, only that one could tell.
            status, peak_kib, cpu_ms = (int(number) for number in numbers)
            problem = ""
        job.end |= {
            "status": os.waitstatus_to_exitcode(status),
            "memory_mb": -(-peak_kib // 1024),
            "cpu_ms": cpu_ms,
            "problem": [problem, int(numbers[0])] if problem else None,
        }
        if job.has_box:
            # With it, the kernel has ended all that was left.
            self._ended(job)
            return
        was_killed = job.was_stopped and job.step == self._sweep
        if not was_killed:
            job.until = job.wake if job.was_stopped else time.monotonic() + LINGER_S
        job.step = self._sweep if was_killed else self._linger
        job.step(job)

    def _linger(self, job: Job) -> None:
        if self._rest(job).is_gone:
            self._ended(job)
        elif time.monotonic() >= job.until:
            job.until = _FOREVER
            self._sweep(job)
        else:
            job.wake = time.monotonic() + _LINGER_STEP_S

    def _sweep(self, job: Job) -> None:
        now = time.monotonic()
        if job.until == _FOREVER:
            job.until = now + SWEEP_S
        rest = self._rest(job)
        group.kill(job.groups)
        tree.kill_all(rest.pids)
        self._signal(job, signal.SIGKILL)
        if not rest.is_gone and now < job.until:
            job.step, job.wake = self._sweep, now + _SWEEP_STEP_S
        else:
            self._ended(job)

    def _signal(self, job: Job, number: int) -> None:
        if job.group is None:
            return
        try:
            os.killpg(job.group, number)
        except ProcessLookupError:
            if job.pid in self._job_of_pid:
                # Forked a moment ago, the leader has not made its session yet: it is all there is of the tree.
                os.kill(job.pid, number)
            else:
                # A group's number may be given out again once the group is empty.
                job.group = None

    def _rest(self, job: Job) -> tree.Rest:
        """What is left of the tree, now that its leader was reaped."""
        is_quick = not job.was_stopped and time.monotonic() - job.started < _QUICK_S
        rest = tree.Rest([], is_settled=False)
        # On a busy machine other processes come and go during a look, which unsettles it: then it is repeated.
        for _ in range(_LOOK_COUNT_MAX):
            pids = tree.pids_since(job.pid) if is_quick else tree.living_pids()
            rest = tree.adopted(pids, os.getpid(), self._job_of_pid, job.mark)
            if rest.pids or rest.is_settled:
                break
        return tree.Rest([*rest.pids, *group.members(job.groups)], rest.is_settled)

    def _ended(self, job: Job) -> None:
        del self._jobs[job.id]
        self._tell({**job.end, "out_of_memory": group.ran_out_of_memory(job.groups)})

    def _tell(self, end: dict[str, Any]) -> None:
        # The channel blocks: an executor that does not read is one that has stopped, and then nothing is urgent.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._channel.send(json.dumps(end).encode())


def _empty(fd: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(fd, 4096):
            pass
