"""Bearer tokens of an OpenID Connect provider: a JWT in, the caller that it proves out."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.access.caller import Caller
from api.access.jwks import Fetch, KeySet, fetch, require_safe
from index.errors import SettingsError, SignInError
from index.policy.rows import AttributeValue
from index.scope import Action

if TYPE_CHECKING:
    from api.settings import SigninSettings

LONGEST = 16 * 1024  # characters of a token
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_REFUSED = "the token does not hold"


def header_of(token: str) -> Mapping[str, Any]:
    """The unverified header of a JWT; raises `SignInError` for a text that is not written as one.

    Each part must be written in the one way there is to write it: decoders pass over stray characters and spare bits,
    and a token that can be written in two ways cannot be told from its copy.
    """
    import json

    parts = token.split(".")
    if len(token) > LONGEST or len(parts) != 3:
        raise SignInError(_REFUSED)
    try:
        header = json.loads(_decoded(parts[0]))
        _decoded(parts[1])
        _decoded(parts[2])
    except (ValueError, RecursionError) as error:
        raise SignInError(_REFUSED) from error
    if not isinstance(header, dict) or "crit" in header:
        raise SignInError(_REFUSED)
    return header


def _decoded(part: str) -> bytes:
    if not _SEGMENT.fullmatch(part):
        raise ValueError("not base64url")
    content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(content).rstrip(b"=") != part.encode():
        raise ValueError("not written in the one way there is")
    return content


class OidcTokens:
    """Checks tokens of one issuer: signature, algorithm, issuer, audience, times. `fetch` reads JSON over HTTP."""

    def __init__(self, settings: SigninSettings, *, fetch: Fetch = fetch) -> None:
        if not settings.audience:
            raise SettingsError(
                "signin.audience is empty: tokens that the issuer made for other services would be let in",
                hint="name what the issuer puts into `aud` for Tower",
            )
        require_safe(settings.issuer, "signin.issuer")
        if settings.jwks_url:
            require_safe(settings.jwks_url, "signin.jwks_url")
        self._settings = settings
        self._keys = KeySet(settings.issuer, settings.jwks_url, fetch=fetch)

    def caller(self, token: str, header: Mapping[str, Any]) -> Caller:
        """Who calls with `token`, whose `header` was read with `header_of`.

        Raises `SignInError` for a token that does not hold, `SourceError` where the issuer's keys cannot be read.
        """
        return self.caller_of(self.claims(token, header))

    def claims(self, token: str, header: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a token that holds says; raises as `caller` does."""
        import jwt

        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self._settings.algorithms or not (kid is None or isinstance(kid, str)):
            raise SignInError(_REFUSED)
        try:
            key = self._keys.find(kid, algorithm)
            if key is None:
                raise SignInError(_REFUSED)
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=self._settings.leeway_s,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise SignInError("the token has expired", hint="sign in again") from error
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise SignInError("the token was made for another service, or by another") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise SignInError(_REFUSED) from error
        return claims

    def caller_of(self, claims: Mapping[str, Any]) -> Caller:
        """Who calls, by claims that hold; raises `SignInError` for ones that name nobody."""
        client = _text(claims.get("azp")) or _text(claims.get("client_id"))
        name = _text(claims.get(self._settings.user_claim)) or client
        if not name:
            raise SignInError(f"the token names nobody: it has no claim {self._settings.user_claim!r}")
        if self._settings.user_claim == "email" and claims.get("email") and claims.get("email_verified") is not True:
            raise SignInError("the token's e-mail address was not verified")
        return Caller(
            name,
            "oidc",
            client,
            frozenset(_texts(claims.get(self._settings.groups_claim))) if self._settings.groups_claim else None,
            tuple(sorted(self._attributes(claims).items())),
            self._actions(claims),
        )

    def _attributes(self, claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        for attribute, claim in self._settings.attributes.items():
            value = claims.get(claim)
            if isinstance(value, str) and value:
                found[attribute] = value
            elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
                found[attribute] = tuple(value)
        return found

    def _actions(self, claims: Mapping[str, Any]) -> frozenset[Action] | None:
        """What the token's scopes allow; None where the settings give scopes no meaning."""
        if not self._settings.scopes:
            return None
        held = {*_texts(claims.get("scope")), *_texts(claims.get("scp"))}
        return frozenset(action for scope in held for action in self._settings.scopes.get(scope, ()))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> Sequence[str]:
    """A claim as texts: a list, or words with spaces between them."""
    if isinstance(value, str):
        return value.split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
