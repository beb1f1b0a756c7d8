"""Other schedulers' jobs: what becomes of them, instant by instant, and what is refused."""
