"""One suite for every vault: in memory, and in a real PostgreSQL."""
