"""Free TCP ports on 127.0.0.1 for servers that must know their port before they bind it.

Ports come from below the kernel's ephemeral range (ip(7): 32768 and up), so that no outgoing connection takes
one while a server restarts. Another server still can; it then fails to bind and says so in its log.
"""

import secrets
import socket

LOOPBACK = "127.0.0.1"
PORT_FIRST = 20000
PORT_LAST = 29999


def is_free(port: int) -> bool:
    """Tell whether a server could bind this port on 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> tuple[int, ...]:
    """Return `count` different random ports that are free now."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = PORT_FIRST + secrets.randbelow(PORT_LAST - PORT_FIRST + 1)
        if port not in chosen and is_free(port):
            chosen.append(port)
    return tuple(chosen)
