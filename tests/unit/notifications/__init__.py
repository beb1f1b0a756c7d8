"""The pure part of notifications."""
