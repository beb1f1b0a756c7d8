"""Run the spawner on the socket whose descriptor is the first argument; ends when the other side is closed.

Further descriptors are held until it has ended, and tell of nothing else.
"""

import os
import socket
import sys

from horolog.adapters.spawner.server import Server

if __name__ == "__main__":
    channel = socket.socket(fileno=int(sys.argv[1]))
    # They had to outlive one exec; they must not outlive the next: no program may speak to the spawner.
    for descriptor in map(int, sys.argv[1:]):
        os.set_inheritable(descriptor, False)
    Server(channel).run()
