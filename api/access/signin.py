"""Sign-in: the `Authorization` header of a request in, the caller that it proves out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from api.access.caller import Caller
from api.access.jwks import Fetch, fetch
from api.access.keys import PREFIX, ApiKeys
from api.access.oidc import OidcTokens, header_of
from api.access.tokens import DevelopmentTokens, is_development
from index.errors import SignInError

if TYPE_CHECKING:
    from api.settings import SigninSettings

_HINT = "send `Authorization: Bearer TOKEN`"


class SignIn:
    """The ways to sign in to the workspace at `home`: the issuer's tokens, API keys, and outside of production the
    tokens of `tower token`."""

    def __init__(self, settings: SigninSettings, home: Path, *, fetch: Fetch = fetch) -> None:
        self.production = settings.production
        self.keys = ApiKeys(home)
        self._oidc = OidcTokens(settings, fetch=fetch) if settings.issuer else None
        self._development = None if settings.production else DevelopmentTokens(home)

    @property
    def ready(self) -> bool:
        """True where somebody can sign in by a way that is fit for other machines than this one."""
        return self._oidc is not None or self.keys.any()

    def caller(self, headers: Sequence[str]) -> Caller:
        """Who calls, by the `Authorization` headers of the request.

        Raises `SignInError` where there is none, several, or one that does not hold; `SourceError` where the issuer's
        keys cannot be read.
        """
        if not headers:
            raise SignInError("nobody signed in", hint=_HINT)
        scheme, _, token = headers[0].partition(" ")
        if len(headers) > 1 or scheme.lower() != "bearer" or not token.isascii():
            raise SignInError("this is no bearer token", hint=_HINT)
        return self._proved(token)

    def _proved(self, token: str) -> Caller:
        if token.startswith(PREFIX):
            return self.keys.caller(token)
        header = header_of(token)
        if is_development(header):
            if self._development is None:
                raise SignInError("development tokens are not for production", hint="sign in, or use an API key")
            return self._development.caller(token)
        if self._oidc is None:
            raise SignInError("the token does not hold", hint="this server knows no issuer of tokens: signin.issuer")
        return self._oidc.caller(token, header)
