"""The client without a server: its calls step by step, and both kinds of client against a fake API."""
