"""The worker's decisions, with a log in memory, a clock that stands still, and a runner that does as it is told."""
