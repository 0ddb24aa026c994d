"""Signing people in at an OpenID Connect provider: the authorization code flow with PKCE (RFC 7636).

`begin` gives the address to send the browser to, `finish` takes what it comes back with. State, nonce and verifier
stay on the server, on the shelf that servers may share; a random text in a cookie ties them to the browser that began,
so that nobody is signed in as somebody else by a link. No token reaches the page.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from urllib.request import Request, build_opener

from api.access.jwks import FRESH_S, MOST, TIMEOUT_S, Fetch, Stay, discovered, fetch, require_safe
from api.access.oidc import OidcTokens, header_of
from api.access.shelf import LocalShelf
from index.errors import SettingsError, SignInError, SourceError

if TYPE_CHECKING:
    from api.access.caller import Caller
    from api.access.shelf import Shelf
    from api.settings import ConsoleSettings, SigninSettings

WITHIN_S = 600.0  # a sign-in that was begun must end within this
_FAILED = "the sign-in did not succeed"
Post = Callable[[str, Mapping[str, str], Mapping[str, str]], Mapping[str, Any]]
"""URL, form fields and headers to the JSON object that comes back."""


def post(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Mapping[str, Any]:
    """Send a form; raises `SourceError` where there is no answer, `SignInError` where it says no."""
    sent = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **headers}
    request = Request(url, urlencode(form).encode(), sent)
    try:
        with build_opener(Stay).open(request, timeout=TIMEOUT_S) as response:
            found = json.loads(response.read(MOST))
    except (OSError, ValueError) as error:
        if 400 <= getattr(error, "code", 0) < 500:
            raise SignInError(_FAILED, hint="try again; the provider did not take the code") from error
        raise SourceError(f"the sign-in service does not answer at {url}: {error}") from error
    if not isinstance(found, dict):
        raise SourceError(f"the sign-in service answers no JSON object at {url}")
    return found


@dataclass(frozen=True)
class Begun:
    """A sign-in on its way: what the provider's answer is checked against."""

    browser: str
    nonce: str
    verifier: str
    back: str
    then: str


@dataclass(frozen=True)
class Sent:
    """Where to send the browser, and the text that its cookie is to hold meanwhile."""

    url: str
    browser: str


class CodeFlow:
    """Signs people in at `signin.issuer` as the client `console.client_id`. Safe between threads."""

    def __init__(
        self,
        signin: SigninSettings,
        console: ConsoleSettings,
        *,
        shelf: Shelf | None = None,
        fetch: Fetch = fetch,
        post: Post = post,
    ) -> None:
        if not signin.issuer:
            raise SettingsError("console.client_id is set, and signin.issuer is not", hint="name the provider as well")
        self.issuer = signin.issuer
        self._scopes = signin.scopes
        self._console = console
        self._fetch, self._post = fetch, post
        self._tokens = OidcTokens(signin.model_copy(update={"audience": console.client_id}), fetch=fetch)
        self._begun = shelf if shelf is not None else LocalShelf()
        self._document: tuple[float, Mapping[str, Any]] = (float("-inf"), {})

    def begin(self, back: str, then: str) -> Sent:
        """Begin a sign-in that comes back to the address `back`, and goes on to the page `then`.

        Raises `SourceError` where the provider does not say where its pages are.
        """
        state, browser, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        verifier = secrets.token_urlsafe(48)
        endpoint = self._endpoint("authorization_endpoint")
        begun = Begun(_digest(browser), nonce, verifier, back, then)
        self._begun.put(_name(state), json.dumps(asdict(begun)), WITHIN_S)
        asked = {
            "response_type": "code", "client_id": self._console.client_id, "redirect_uri": back,
            "scope": " ".join(self._console.scopes), "state": state, "nonce": nonce,
            "code_challenge": _challenge(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        return Sent(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", browser)

    def finish(self, browser: str, given: Mapping[str, str]) -> tuple[Caller, str]:
        """Who signed in, and the page to go on to. `browser` is the cookie's text, `given` the query that came back.

        Raises `SignInError`; a sign-in that was begun can be ended once.
        """
        text = self._begun.take(_name(given.get("state", "")))
        begun = Begun(**json.loads(text)) if text is not None else None
        if begun is None or not hmac.compare_digest(begun.browser, _digest(browser)):
            raise SignInError(_FAILED, hint="it took too long, or was begun in another browser: try again")
        if given.get("iss", self.issuer) != self.issuer or "error" in given or not given.get("code"):
            raise SignInError(_FAILED, hint="the provider refused it: try again, or ask an administrator")
        reply = self._exchange(given["code"], begun)
        token = str(reply.get("id_token", ""))
        claims = self._tokens.claims(token, header_of(token))
        mine = self._console.client_id
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), begun.nonce.encode()):
            raise SignInError(_FAILED, hint="the token was not made for this sign-in: try again")
        if claims.get("azp", mine) != mine:
            raise SignInError("the token was made for another client")
        granted = str(reply.get("scope") or " ".join(self._console.scopes))
        return self._tokens.caller_of({**claims, "azp": mine, "scope": granted}), begun.then

    def _exchange(self, code: str, begun: Begun) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": begun.back,
            "client_id": self._console.client_id, "code_verifier": begun.verifier,
        }  # fmt: skip
        secret, headers = self._console.client_secret(), {}
        methods = self._found().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret and "client_secret_basic" in methods:
            pair = f"{quote(self._console.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif secret:
            form["client_secret"] = secret
        return self._post(self._endpoint("token_endpoint"), form, headers)

    def _endpoint(self, name: str) -> str:
        url = str(self._found().get(name, ""))
        require_safe(url, name)
        return url

    def _found(self) -> Mapping[str, Any]:
        read, document = self._document
        if time.monotonic() - read > FRESH_S:
            document = discovered(self.issuer, self._fetch)
            self._document = (time.monotonic(), document)
        return document


def _name(state: str) -> str:
    return f"sign-in:{state}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
