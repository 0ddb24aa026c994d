"""A sign-in service for tests, in a process of its own: discovery, keys that rotate, tokens for clients and users.

Built of Authlib's OAuth 2 server: client credentials (RFC 6749), JWT access tokens (RFC 9068), and for people the
authorization code flow of OpenID Connect, with PKCE required (RFC 7636) and a page to sign in at. Run it as
`python -m tests.api.provider PORT`; `running()` does, and waits until it answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AUDIENCE = "https://tower.example"
CLIENT, SECRET = "console", "not-a-secret"
PASSWORD = "open sesame"
BACK = "/console/sign-in/back"
SIGN_IN_PAGE = """<!doctype html><html lang="en"><title>Provider</title><form method="post">
<label>User <input name="username"></label> <label>Password <input name="password" type="password"></label>
<button>Sign in</button></form></html>"""


@dataclass(frozen=True)
class Provider:
    """One that runs at `issuer`."""

    issuer: str

    def client_token(self, scope: str = "tower.ask", client: str = CLIENT, secret: str = SECRET) -> str:
        """An access token of a machine client."""
        return self._token(grant_type="client_credentials", client_id=client, client_secret=secret, scope=scope)

    def user_token(self, user: str, scope: str = "tower.ask tower.sql") -> str:
        """An access token of a user; `groups` and `region` are the provider's."""
        return self._token(
            grant_type="password", username=user, password=PASSWORD, client_id=CLIENT, client_secret=SECRET, scope=scope
        )

    def sign(self, **changed: Any) -> str:
        """A token with the provider's own signature and whatever claims."""
        return str(self._post("/sign", changed)["token"])

    def rotate(self) -> None:
        """From now on another key signs, and the one before is not published any more."""
        self._post("/rotate", {})

    def _token(self, **form: str) -> str:
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.issuer}/oauth/token", body, timeout=10) as response:
            return str(json.load(response)["access_token"])

    def _post(self, path: str, body: object) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.issuer + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            found: dict[str, Any] = json.load(response)
        return found


@contextmanager
def running() -> Iterator[Provider]:
    """A provider on a free port of this machine."""
    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.provider"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        provider = Provider(process.stdout.readline().strip())
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{provider.issuer}/.well-known/openid-configuration", timeout=5).close()
                break
            except OSError:
                time.sleep(0.05)
        yield provider
    finally:
        process.terminate()
        process.wait(timeout=10)


def serve() -> None:
    """Serve until the process is ended; prints the issuer first."""
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, grants
    from authlib.oauth2.rfc7636 import CodeChallenge
    from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
    from authlib.oidc.core import UserInfo
    from authlib.oidc.core.grants import OpenIDCode
    from flask import Flask, jsonify, request
    from joserfc import jwt
    from joserfc.jwk import KeySet, RSAKey
    from werkzeug.serving import make_server

    app = Flask(__name__)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    issuer = f"http://127.0.0.1:{server.server_port}"
    keys = [RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})]
    users = {"lena": {"groups": ["sales"], "region": "EMEA"}, "emma": {}, "olga": {"groups": ["elsewhere"]},
             "erin": {}, "kenji": {}, "ada": {}}  # fmt: skip

    class Client(ClientMixin):  # type: ignore[misc]
        def get_client_id(self) -> str:
            return CLIENT

        def get_allowed_scope(self, scope: str) -> str:
            return scope

        def check_client_secret(self, secret: str) -> bool:
            return secret == SECRET

        def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
            return True

        def check_grant_type(self, grant_type: str) -> bool:
            return grant_type in ("client_credentials", "password", "authorization_code")

        def check_response_type(self, response_type: str) -> bool:
            return response_type == "code"

        def check_redirect_uri(self, redirect_uri: str) -> bool:
            return redirect_uri.startswith("http://") and redirect_uri.endswith(BACK)

    class User(str):
        def get_user_id(self) -> str:
            return str(self)

    class Generator(JWTBearerTokenGenerator):  # type: ignore[misc]
        def get_jwks(self) -> Any:
            return keys[0].as_dict(private=True)

        def get_audiences(self, client: Any, user: Any, scope: str) -> str:
            return AUDIENCE

        def get_extra_claims(self, client: Any, grant_type: str, user: Any, scope: str) -> dict[str, Any]:
            return dict(users.get(str(user), {}))

    class Machine(grants.ClientCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    class Password(grants.ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

        def authenticate_user(self, username: str, password: str) -> User | None:
            return User(username) if username in users and password == PASSWORD else None

    class Code(AuthorizationCodeMixin):  # type: ignore[misc]
        """What a code stands for."""

        def __init__(self, code: str, asked: Any) -> None:
            given = asked.payload.data
            self.code, self.user, self.nonce = code, asked.user, given.get("nonce")
            self.redirect_uri, self.scope = asked.payload.redirect_uri, asked.payload.scope
            self.code_challenge = given.get("code_challenge")
            self.code_challenge_method = given.get("code_challenge_method")
            self.auth_time = int(time.time())

        def get_redirect_uri(self) -> str:
            return str(self.redirect_uri)

        def get_scope(self) -> str:
            return str(self.scope)

        def get_nonce(self) -> str | None:
            return self.nonce

        def get_auth_time(self) -> int:
            return self.auth_time

        def get_acr(self) -> None:
            return None

        def get_amr(self) -> None:
            return None

    codes: dict[str, Code] = {}

    class ByCode(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_post", "client_secret_basic")

        def save_authorization_code(self, code: str, request: Any) -> None:
            codes[code] = Code(code, request)

        def query_authorization_code(self, code: str, client: Any) -> Code | None:
            return codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            del codes[authorization_code.code]

        def authenticate_user(self, authorization_code: Code) -> User:
            user: User = authorization_code.user
            return user

    class OpenId(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return any(code.nonce == nonce for code in codes.values())

        def get_jwt_config(self, grant: Any, client: Any = None) -> dict[str, Any]:
            return {"key": keys[0].as_dict(private=True), "alg": "RS256", "iss": issuer, "exp": 600}

        def resolve_client_private_key(self, client: Any) -> Any:
            return keys[0]

        def get_client_algorithm(self, client: Any) -> str:
            return "RS256"

        def get_client_claims(self, client: Any) -> dict[str, Any]:
            return {"iss": issuer}

        def generate_user_info(self, user: User, scope: str) -> Any:
            return UserInfo(sub=str(user), **users.get(str(user), {}))

    oauth = AuthorizationServer(
        app, query_client=lambda name: Client() if name == CLIENT else None, save_token=lambda token, request: None
    )
    oauth.register_token_generator("default", Generator(issuer, alg="RS256"))
    oauth.register_grant(Machine)
    oauth.register_grant(Password)
    oauth.register_grant(ByCode, [OpenId(require_nonce=True), CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Any:
        found = {"issuer": issuer, "jwks_uri": f"{issuer}/jwks", "token_endpoint": f"{issuer}/oauth/token",
                 "authorization_endpoint": f"{issuer}/oauth/authorize"}  # fmt: skip
        return jsonify(found)

    @app.get("/jwks")
    def jwks() -> Any:
        return jsonify(KeySet(keys).as_dict(private=False))

    @app.post("/oauth/token")
    def token() -> Any:
        return oauth.create_token_response()

    @app.route("/oauth/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        name = request.form.get("username", "")
        if name in users and request.form.get("password") == PASSWORD:
            return oauth.create_authorization_response(grant_user=User(name))
        return SIGN_IN_PAGE

    @app.post("/rotate")
    def rotate() -> Any:
        keys[:] = [RSAKey.generate_key(2048, {"kid": f"k{time.time_ns()}", "use": "sig", "alg": "RS256"})]
        return jsonify({})

    @app.post("/sign")
    def sign() -> Any:
        now = int(time.time())
        base = {"iss": issuer, "aud": AUDIENCE, "sub": "emma", "iat": now, "exp": now + 600}
        claims = {name: value for name, value in {**base, **request.get_json()}.items() if value is not None}
        return jsonify({"token": jwt.encode({"alg": "RS256", "kid": keys[0].kid}, claims, keys[0])})

    sys.stdout.write(issuer + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    serve()
