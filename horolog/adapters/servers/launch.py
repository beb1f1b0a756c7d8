"""Become a supervised server: drop root, ask to die with the supervisor, then exec the server.

Run as a script (`python -I -S launch.py PARENT SIGNAL UID GID BINARY ARG...`) between the supervisor and the
server, so that the supervisor itself needs no code between fork and exec. The kernel clears the parent-death
signal when credentials change and keeps it over an ordinary exec (prctl(2), PR_SET_PDEATHSIG), hence this
order. UID -1 keeps the identity. Exit code 127 means that the server was never executed.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Replace this process by the server; return 127 with a sentence on stderr when that is impossible."""
    parent, death_signal, uid, gid = (int(value) for value in argv[:4])
    try:
        if uid >= 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) refused")
        # A parent that died before the prctl call sends no signal any more.
        if os.getppid() != parent:
            raise OSError(f"supervisor {parent} is gone")
        os.execv(argv[4], argv[4:])  # noqa: S606 - becoming the server without a shell is the purpose
    except OSError as error:
        sys.stderr.write(f"launch: cannot run {argv[4]}: {error}\n")
    return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
