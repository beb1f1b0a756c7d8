"""The bodies of the API of secrets: what callers send, and what they get back, which is never a value."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from schemas.base import Body, Text, Value

SECRET_LENGTH_MAX = 16_384
SECRET_COUNT_MAX = 1000
"""How many secrets a tenant may have."""


class SecretBody(Body):
    """A secret. From now on jobs that refer to it as `secret://name` use it, from their next attempt on."""

    value: Annotated[Text, Field(min_length=1, max_length=SECRET_LENGTH_MAX)]


class SecretResponse(Value):
    """What may be told of a secret. `version` rises by one each time it is set."""

    name: str
    version: int
    created_at: datetime
    updated_at: datetime


class SecretList(Value):
    """All secrets of the tenant, by name."""

    items: tuple[SecretResponse, ...]
