"""Encrypted connections, with real certificates, to and from everything that is reached over a network."""
