"""The command line without a server behind it."""
