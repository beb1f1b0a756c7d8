"""Who signs the tokens that are believed."""

from dataclasses import dataclass
from enum import StrEnum


class Algorithm(StrEnum):
    """How an issuer signs; one for all of its tokens."""

    ED_DSA = "EdDSA"
    RS256 = "RS256"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whom to believe. `name` is the `iss` of its tokens, `audience` what they call this scheduler."""

    name: str
    audience: str
    algorithm: Algorithm
