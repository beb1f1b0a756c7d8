"""What every process has besides its work: metrics, logs, start and stop."""
