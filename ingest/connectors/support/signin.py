"""Sign-in over HTTP: fixed tokens, basic, and OAuth 2 (client credentials, refresh token, JWT bearer)."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping
from typing import Literal

from pydantic import SecretStr, model_validator

from index.errors import SourceError
from ingest.connectors.support.contract import Options
from ingest.connectors.support.web import Api

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class AuthOptions(Options):
    """How a source is signed in to. `token` is sent as `scheme`; `basic` is user and password; the others are OAuth 2
    grants at `token_url`."""

    type: Literal["none", "token", "basic", "client_credentials", "refresh_token", "jwt"] = "none"
    scheme: str = "Bearer"
    header: str = "Authorization"
    token: SecretStr = SecretStr("")
    user: str = ""
    password: SecretStr = SecretStr("")
    token_url: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr = SecretStr("")
    private_key: SecretStr = SecretStr("")
    audience: str = ""
    scope: str = ""

    @model_validator(mode="after")
    def _complete(self) -> AuthOptions:
        needed = {
            "token": ("token",),
            "basic": ("user",),
            "client_credentials": ("token_url", "client_id", "client_secret"),
            "refresh_token": ("token_url", "client_id", "refresh_token"),
            "jwt": ("token_url", "client_id", "user", "private_key"),
        }.get(self.type, ())
        for name in needed:
            value = getattr(self, name)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                raise ValueError(f"auth of type {self.type} needs {name}")
        return self


class SignIn:
    """Implements `web.Auth` for every type of `AuthOptions`."""

    def __init__(self, options: AuthOptions) -> None:
        self._options = options
        self._token = ""
        self._until: dt.datetime | None = None
        self.granted: dict[str, object] = {}  # what else came with the token, such as Salesforce's instance_url

    def headers(self, api: Api) -> Mapping[str, str]:
        """The header with the token or the password."""
        options = self._options
        if options.type == "none":
            return {}
        if options.type == "token":
            return {options.header: f"{options.scheme} {options.token.get_secret_value()}".strip()}
        if options.type == "basic":
            pair = f"{options.user}:{options.password.get_secret_value()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        if not self._token or (self._until is not None and api.now() >= self._until):
            self._grant(api)
        return {options.header: f"{options.scheme} {self._token}"}

    def renew(self) -> bool:
        """Forget the token of an OAuth grant, so that the next request gets another."""
        self._token = ""
        return self._options.type in ("client_credentials", "refresh_token", "jwt")

    def _grant(self, api: Api) -> None:
        options = self._options
        signer = Api(options.token_url, api._options, name=api.name)
        try:
            reply = signer.send("POST", options.token_url, form=self._form(api), signed=False, allowed=_REFUSED)
            if reply.status in _REFUSED and options.type == "jwt":
                # The assertion's times were by our clock: the answer told the server's.
                reply = signer.send("POST", options.token_url, form=self._form(signer), signed=False, allowed=_REFUSED)
        finally:
            signer.close()
        body = reply.json() if reply.status < 300 else None
        if not isinstance(body, dict) or not body.get("access_token"):
            raise SourceError(
                f"{api.name}: sign-in was refused ({reply.status}): {_reason(reply.text)}",
                hint="check client, user, key and what the client may do",
            )
        self._token, self.granted = str(body["access_token"]), body
        lasts = body.get("expires_in")
        self._until = signer.now() + dt.timedelta(seconds=float(lasts) * 0.9) if lasts else None

    def _form(self, api: Api) -> dict[str, str]:
        options = self._options
        if options.type == "jwt":
            return {"grant_type": JWT_BEARER, "assertion": self._assertion(api.now())}
        form = {
            "grant_type": options.type,
            "client_id": options.client_id,
            "client_secret": options.client_secret.get_secret_value(),
        }
        if options.type == "refresh_token":
            form["refresh_token"] = options.refresh_token.get_secret_value()
        return form | ({"scope": options.scope} if options.scope else {})

    def _assertion(self, now: dt.datetime) -> str:
        import jwt

        options = self._options
        claims = {
            "iss": options.client_id,
            "sub": options.user,
            "aud": options.audience or options.token_url,
            "exp": int((now + dt.timedelta(minutes=3)).timestamp()),
        }
        try:
            return jwt.encode(claims, options.private_key.get_secret_value(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            raise SourceError(
                f"{options.token_url}: the private key cannot sign: {type(error).__name__}",
                hint="it must be RSA in PEM",
            ) from error


_REFUSED = frozenset({400, 401, 403})


def _reason(text: str) -> str:
    return " ".join(text.split())[:200] or "no reason was given"
