"""The Compose files, loaded as Docker Compose loads them; on demand, for it takes Go."""
