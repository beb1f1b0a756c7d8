"""The cron engine: golden vectors, laws, and two independent oracles."""
