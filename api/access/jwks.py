"""The public keys of a sign-in service: fetched, kept, and fetched again when it has new ones."""

from __future__ import annotations

import ipaddress
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from index.errors import SettingsError, SourceError

if TYPE_CHECKING:
    from http.client import HTTPMessage

    from jwt import PyJWK

FRESH_S = 300.0  # a key that the service took back is refused after this long
AGAIN_S = 10.0  # an unknown key makes us look again, but not more often than this
STALE_S = 3600.0  # while the service is silent, its last keys hold this long
TIMEOUT_S = 5.0
MOST = 512 * 1024  # bytes of a key set
LEAST_RSA_BITS = 2048
log = logging.getLogger("tower.http")
Fetch = Callable[[str], Mapping[str, Any]]


def fetch(url: str) -> Mapping[str, Any]:
    """The JSON object at `url`; raises `SourceError`. Redirects are not followed."""
    request = Request(url, headers={"Accept": "application/json"})
    try:
        with build_opener(Stay).open(request, timeout=TIMEOUT_S) as response:
            found = json.loads(response.read(MOST))
    except (OSError, ValueError) as error:
        raise SourceError(
            f"the sign-in service does not answer at {url}: {error}", hint="is signin.issuer right?"
        ) from error
    if not isinstance(found, dict):
        raise SourceError(f"the sign-in service answers no JSON object at {url}")
    return found


def discovered(issuer: str, fetch: Fetch = fetch) -> Mapping[str, Any]:
    """The discovery document of `issuer`; raises `SourceError` for none, or one that calls itself otherwise."""
    found = fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise SourceError(
            f"{issuer} calls itself {str(found.get('issuer'))[:200]!r}",
            hint="write signin.issuer exactly as the service does",
        )
    return found


class Stay(HTTPRedirectHandler):
    """Keys come from the address that the settings name, and from nowhere else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Refuse."""
        raise HTTPError(req.full_url, code, "it redirects elsewhere", headers, fp)


def require_safe(url: str, setting: str) -> None:
    """Raises `SettingsError` unless `url` is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not ((parts.scheme == "https" and host) or (parts.scheme == "http" and local)):
        raise SettingsError(f"{setting}: {url!r} is no https address", hint="http is for this machine only")


class KeySet:
    """The keys of `issuer`, from `url` or from where its discovery document says. Safe between threads."""

    def __init__(self, issuer: str, url: str = "", *, fetch: Fetch = fetch) -> None:
        self._issuer, self._url, self._fetch = issuer, url, fetch
        self._keys: dict[str, Mapping[str, Any]] = {}
        self._made: dict[tuple[str, str], PyJWK] = {}
        self._read = self._tried = float("-inf")
        self._mutex = threading.Lock()

    def find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """The public key with that id for `algorithm`; without an id, the only one that fits. None where none does.

        Raises `SourceError` where no keys could be read for too long.
        """
        now = time.monotonic()
        if now - self._read > FRESH_S:
            self._refresh(now)
        found = self._among(kid, algorithm)
        if found is None and now - self._tried > AGAIN_S:
            self._refresh(now)
            found = self._among(kid, algorithm)
        return found

    def _among(self, kid: str | None, algorithm: str) -> PyJWK | None:
        with self._mutex:
            fitting = [key for key, jwk in self._keys.items() if _fits(jwk, algorithm)]
            chosen = kid if kid is not None else fitting[0] if len(fitting) == 1 else None
            if chosen not in fitting:
                return None
            made = self._made.get((chosen, algorithm))
            if made is None:
                made = self._made[chosen, algorithm] = _public(self._keys[chosen], algorithm)
            return made

    def _refresh(self, now: float) -> None:
        with self._mutex:
            if now - self._tried <= AGAIN_S and now - self._read <= STALE_S:
                return
            self._tried = now
            keys: dict[str, Mapping[str, Any]]
            try:
                held = self._fetch(self._address()).get("keys", [])
                keys = {str(jwk.get("kid", at)): jwk for at, jwk in enumerate(held) if isinstance(jwk, dict)}
            except (SourceError, TypeError) as error:
                if now - self._read > STALE_S:
                    raise
                log.warning("the keys of %s were not renewed: %s", self._issuer, error)
                return
            self._keys, self._made, self._read = keys, {}, now

    def _address(self) -> str:
        if not self._url:
            url = str(discovered(self._issuer, self._fetch).get("jwks_uri", ""))
            require_safe(url, "jwks_uri")
            self._url = url
        return self._url


_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi")
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def _fits(jwk: Mapping[str, Any], algorithm: str) -> bool:
    """True for a signing key of the algorithm's own kind: a key made for one algorithm never checks another."""
    return (
        jwk.get("kty") == _FAMILIES.get(algorithm[:2])
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) == algorithm
        and jwk.get("crv", "") == _CURVES.get(algorithm, jwk.get("crv", ""))
    )


def _public(jwk: Mapping[str, Any], algorithm: str) -> PyJWK:
    from jwt import InvalidKeyError, PyJWK

    made = PyJWK(
        {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}, algorithm
    )
    if jwk.get("kty") == "RSA" and made.key.key_size < LEAST_RSA_BITS:
        raise InvalidKeyError(f"the sign-in service's key has less than {LEAST_RSA_BITS} bits")
    return made
