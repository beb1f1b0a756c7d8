"""Run the spawner on the socket whose descriptor is the only argument; ends when the other side is closed."""

import socket
import sys

from horolog.adapters.spawner.server import Server

if __name__ == "__main__":
    Server(socket.socket(fileno=int(sys.argv[1]))).run()
