"""A function that does nothing, to measure what calling it costs."""


def no_op() -> None:
    """Nothing."""
