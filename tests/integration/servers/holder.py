"""A supervisor for tests to kill: `python -m tests.integration.servers.holder KIND DIRECTORY`.

It starts one server, prints the server's pid, and holds it until its standard input ends.
"""

import sys
from pathlib import Path

from deploy.local.cluster import LocalKafka
from horolog.adapters.servers import PrivatePostgres, PrivateValkey
from horolog.adapters.servers.process import Identity


def start(kind: str, directory: Path) -> Identity | None:
    """Start the server named `kind` and return its process."""
    if kind == "kafka":
        kafka = LocalKafka(directory)
        kafka.start()
        return kafka.child(1).identity
    server = PrivatePostgres(directory) if kind == "postgres" else PrivateValkey(directory)
    server.start()
    return server.identity


if __name__ == "__main__":
    identity = start(sys.argv[1], Path(sys.argv[2]))
    print(identity.pid if identity else "none", flush=True)
    sys.stdin.read()
