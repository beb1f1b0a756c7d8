"""Real servers without Docker: PostgreSQL and Valkey as private, supervised children of one process.

Each server lives in a directory of its own, listens on a unix socket there, has at most one supervisor, and
ends with it, also after kill -9. Nothing outside that directory is changed, with two exceptions told in
`postgres_home` (a directory the unprivileged account cannot reach) and `socket_directory` (a path too long).
"""

from horolog.adapters.servers.errors import ServerUnavailable
from horolog.adapters.servers.postgres import PostgresOptions, PrivatePostgres
from horolog.adapters.servers.valkey import PrivateValkey

__all__ = ["PostgresOptions", "PrivatePostgres", "PrivateValkey", "ServerUnavailable"]
