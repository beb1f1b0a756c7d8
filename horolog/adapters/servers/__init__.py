"""Real servers without Docker: PostgreSQL and Valkey as private, supervised children of one process.

Each server lives in a directory of its own, listens on a unix socket there, has at most one supervisor, and
ends with it, also after kill -9. Nothing outside that directory is changed, with one exception told in
`postgres_home`: a data directory that the unprivileged server account cannot reach.
"""

from horolog.adapters.servers.errors import ServerUnavailable

__all__ = ["ServerUnavailable"]
