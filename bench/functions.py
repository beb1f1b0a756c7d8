"""What the benchmarks run."""


def nothing() -> None:
    """Do nothing."""
