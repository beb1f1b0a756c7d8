"""How much memory this process holds, from the kernel. Source: proc(5), /proc/pid/statm, second field."""

import resource
from pathlib import Path

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """The resident set in bytes; where there is no /proc, the largest it ever was."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
