"""The built-in issuer: users with passwords, their sessions, and the access tokens that these are given.

In: names, passwords and refresh tokens, by `services.api.auth_routes` and `user_routes`. Out: signed access tokens,
and what each session may do at present. Kept in PostgreSQL, in the schema `accounts`, which is no read model: no
projection builds, compares or replaces it.

Guarantee: nothing tells an unknown name, a wrong password and a disabled user apart, neither words nor time. Passwords
and tokens are kept as digests only. A refresh token serves once; whoever shows a used one ends its session. What takes
rights away (disabling, roles, passwords, revoking, logging out) is felt by every API process within `STATE_KEPT_S`.

On failure: without the database nobody signs in, and tokens are refused with 503 once what is known of their sessions
is older than that.

`sign_in` and `administration` decide; `ports` says what they need; `postgres`, `hashing` and `signing` are the
technology, loaded only where the issuer is on; `states` remembers sessions for a few seconds; `upkeep` creates the
first users and removes what is over. `services.api.owner_bars` tells the log who is disabled.
"""
