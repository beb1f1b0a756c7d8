"""What a program in a box may not ask of the kernel (seccomp(2)).

Guarantee: no namespace can be made or entered and nothing be mounted, so that a program has nowhere any privilege; and
of what one account keeps in the kernel, such as keyrings, nothing is left to the next program that has the account.

Left out is what needs a privilege anyway, since a program has none. Denied is answered with EPERM; clone3(2) as if the
kernel did not know it, since its flags cannot be seen, and C libraries then take clone(2).
"""

import ctypes
import errno
import os
import struct

from horolog.adapters.spawner import kernel

_LOAD, _RETURN = 0x20, 0x06  # linux/bpf_common.h: BPF_LD|BPF_W|BPF_ABS, BPF_RET|BPF_K
_IF_EQUAL, _IF_AT_LEAST, _IF_ANY = 0x15, 0x35, 0x45  # BPF_JMP|BPF_K with BPF_JEQ, BPF_JGE, BPF_JSET
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_X32_BIT = 0x40000000
_NAMESPACES = 0x7E020080
"""Every CLONE_NEW… flag, that of time namespaces included."""
_CLONE3 = 435

# open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr and io_uring_*: the same everywhere.
_DENIED_EVERYWHERE = (*range(425, 434), 442)
_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
_CLONE_AND_UNSHARE = {"x86_64": (56, 272), "aarch64": (220, 97)}
# mount, umount2, pivot_root, setns, add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, open_by_handle_at
_DENIED = {
    "x86_64": (165, 166, 155, 308, 248, 249, 250, 321, 298, 323, 304),
    "aarch64": (40, 39, 41, 268, 217, 218, 219, 280, 241, 282, 265),
}


class _Program(ctypes.Structure):
    _fields_ = (("count", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def narrow() -> None:
    """Deny this process, and all that descend from it, what programs in boxes are denied; for good.

    Raises:
        OSError: the kernel has no such filters, or the architecture is not served.
    """
    machine = os.uname().machine
    if machine not in _AUDIT_ARCHITECTURE:
        raise OSError(errno.ENOSYS, f"no filter for {machine}")
    instructions = _instructions(machine)
    program = _Program(len(instructions) // struct.calcsize("HBBI"), instructions)
    kernel.filter_calls(ctypes.addressof(program))


def _instructions(machine: str) -> bytes:
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_IF_EQUAL, _AUDIT_ARCHITECTURE[machine], 1, 0),
        _DENY,
        _step(_LOAD, _NUMBER),
        _step(_IF_AT_LEAST, _X32_BIT, 0, 1),
        _DENY,
    ]
    for number in (*_DENIED[machine], *_DENIED_EVERYWHERE):
        steps += [_step(_IF_EQUAL, number, 0, 1), _DENY]
    steps += [_step(_IF_EQUAL, _CLONE3, 0, 1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    for number in _CLONE_AND_UNSHARE[machine]:
        rest = [_step(_LOAD, _FIRST_ARGUMENT), _step(_IF_ANY, _NAMESPACES, 0, 1), _DENY, _step(_RETURN, _ALLOW)]
        steps += [_step(_IF_EQUAL, number, 0, len(rest)), *rest]
    steps.append(_step(_RETURN, _ALLOW))
    return b"".join(steps)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


_DENY = _step(_RETURN, _ERRNO | errno.EPERM)
