"""A function that prints, waits at a gate, and prints again."""

import socket


def print_and_wait(port: int) -> str:
    """Print a line before, and one after the gate at this port."""
    print("first")
    with socket.create_connection(("127.0.0.1", port)) as waiting:
        waiting.recv(1)
    print("then")
    return "done"
