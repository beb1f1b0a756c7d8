"""The topics, spoken to by a client that was written from `docs/wire.md` alone."""
