"""The API behind its real HTTP server, on a real socket."""
