"""Backups of a real system, by the commands that people use."""
