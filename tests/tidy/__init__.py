"""The rules that the repository holds itself to."""
