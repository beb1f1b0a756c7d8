"""Run the spawner on the socket whose descriptor is the only argument; ends when the other side is closed."""

import socket
import sys

from horolog.adapters.spawner.server import Server

if __name__ == "__main__":
    channel = socket.socket(fileno=int(sys.argv[1]))
    # It had to outlive one exec; it must not outlive the next: no program may speak to the spawner.
    channel.set_inheritable(False)
    Server(channel).run()
