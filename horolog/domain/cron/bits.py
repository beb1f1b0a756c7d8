"""Sets of small non-negative integers held as the bits of one int."""


def lowest(bits: int) -> int:
    """The smallest member of a non-empty set."""
    return (bits & -bits).bit_length() - 1


def members(bits: int) -> tuple[int, ...]:
    """All members, ascending."""
    return tuple(value for value in range(bits.bit_length()) if bits >> value & 1)


def below(bits: int, limit: int) -> int:
    """The subset of members smaller than `limit`."""
    return bits & ((1 << limit) - 1)
