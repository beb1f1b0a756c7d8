"""The built-in issuer as the API holds it."""

from dataclasses import dataclass

from services.api.accounts.administration import Administration
from services.api.accounts.sign_in import SignIn


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """Signing in, and managing who may."""

    sign_in: SignIn
    administration: Administration
