"""The routes that give, renew and take back tokens of the built-in issuer.

They are open: what is sent proves who sends it.

Guarantee: nothing that is sent here is in a log, an error or an answer.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from schemas.http_accounts import PasswordBody, RefreshBody, TokenBody, TokenResponse
from services.api.accounts.sign_in import Attempt, Grant
from services.api.answers import Answer, nothing
from services.api.bodies import OpenJsonRoute
from services.api.calls import signed_in
from services.api.context import Accounts
from services.api.documents import errors

router = APIRouter(prefix="/api/v1/auth", tags=["accounts"], route_class=OpenJsonRoute)


async def _address(request: Request) -> str:
    return str(request.scope["client_address"])


Address = Annotated[str, Depends(_address)]


@router.post("/token", responses=errors(TokenResponse))
async def create_token(request: Request, accounts: Accounts, address: Address, body: TokenBody) -> Response:
    """Sign in: a name and its password for an access token and a refresh token."""
    return _granted(request, await accounts.sign_in.log_in(Attempt(body.name, address, body.password)))


@router.post("/refresh", responses=errors(TokenResponse))
async def refresh_token(request: Request, accounts: Accounts, body: RefreshBody) -> Response:
    """New tokens for a refresh token; one that is shown a second time ends the session."""
    return _granted(request, await accounts.sign_in.refresh(body.refresh_token))


@router.post("/logout", status_code=204, responses=errors(None, 204))
async def end_own_session(accounts: Accounts, body: RefreshBody) -> Response:
    """Sign out: end the session of a refresh token. Its access token is void within 10 seconds."""
    await accounts.sign_in.log_out(body.refresh_token)
    return nothing(204)


@router.post("/password", status_code=204, responses=errors(None, 204))
async def change_own_password(request: Request, accounts: Accounts, address: Address, body: PasswordBody) -> Response:
    """Change the own password, which is also what a one-time password is for; ends all sessions of the user."""
    attempt = Attempt(body.name, address, body.password)
    user = await accounts.sign_in.change_password(attempt, body.new_password)
    signed_in(request, user.tenant_id, user.name)
    return nothing(204)


def _granted(request: Request, grant: Grant) -> Answer:
    signed_in(request, grant.tenant_id, grant.name)
    return Answer(
        {
            "accessToken": grant.access_token,
            "tokenType": "Bearer",
            "expiresIn": grant.expires_s,
            "refreshToken": grant.refresh_token,
        }
    )
