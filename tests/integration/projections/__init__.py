"""The read side on a real PostgreSQL, fed from a log in memory."""
