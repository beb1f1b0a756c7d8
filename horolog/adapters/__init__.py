"""One module for each technology behind a port: the machine itself, servers, Redis, PostgreSQL.

Named only in composition roots and tests; nothing in the domain knows that they exist.
"""
