"""Notifications made and sent between a real PostgreSQL and real receivers of this machine."""
