"""Changed tokens against the sign-in: how many are let in (none may be), and how long checking a good one takes.

    python -m scripts.fuzz_tokens [--count 100000] [--seed 1]

Run it in a checkout. The tokens are of an OpenID Connect provider's kind (RS256 and ES256), of `tower token`, and an
API key.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from api.access.signin import SignIn
from api.access.tokens import issue
from api.settings import SigninSettings
from index.errors import SignInError
from tests.api.tampering import mutants

ISSUER, AUDIENCE = "https://login.example", "tower"


def signed_in(home: Path) -> tuple[SignIn, dict[str, tuple[str, bytes]]]:
    """A sign-in that takes every kind of token, and a good token of each, with what a forger may know of its key."""
    rsa_key = rsa.generate_private_key(65537, 2048)
    curve_key = ec.generate_private_key(ec.SECP256R1())
    keys: list[dict[str, Any]] = [
        {**RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True), "kid": "k1", "use": "sig"},
        {**ECAlgorithm.to_jwk(curve_key.public_key(), as_dict=True), "kid": "k2", "use": "sig"},
    ]
    settings = SigninSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url=f"{ISSUER}/jwks")
    sign_in = SignIn(settings, home, fetch=lambda _url: {"keys": keys})
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "emma", "iat": now, "exp": now + 36_000, "scope": "tower.ask"}
    public = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    tokens = {
        "RS256": (jwt.encode(claims, rsa_key, "RS256", headers={"kid": "k1"}), public),
        "ES256": (jwt.encode(claims, curve_key, "ES256", headers={"kid": "k2"}), b"public"),
        "development": (issue(home, "emma", 10), b"public"),
        "key": (sign_in.keys.add("emma")[1], b"public"),
    }
    return sign_in, tokens


def let_in(sign_in: SignIn, token: str) -> bool:
    """True when the sign-in takes the token; anything but its own refusal is an error of ours."""
    try:
        sign_in.caller([f"Bearer {token}"])
    except SignInError:
        return False
    return True


def fuzz(sign_in: SignIn, token: str, public: bytes, count: int, seed: int) -> list[str]:
    """Those of `count` mutants of `token` that are let in."""
    return [made for made in itertools.islice(mutants(token, seed, public), count) if let_in(sign_in, made)]


def p99_ms(sign_in: SignIn, token: str, times: int) -> tuple[float, float]:
    """The 99th percentile of checking a good token, in milliseconds: by the clock, and of processor time, which other
    work on the machine does not change."""
    clock, processor = [], []
    for _ in range(times):
        begun, used = time.perf_counter(), time.thread_time()
        assert let_in(sign_in, token)
        processor.append((time.thread_time() - used) * 1000)
        clock.append((time.perf_counter() - begun) * 1000)
    return sorted(clock)[int(times * 0.99)], sorted(processor)[int(times * 0.99)]


def main() -> int:
    """Run it; the exit status is 1 where a mutant was let in."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        sign_in, tokens = signed_in(Path(folder))
        for kind, (token, public) in tokens.items():
            share = arguments.count // len(tokens)
            found = fuzz(sign_in, token, public, share, arguments.seed)
            clock, processor = p99_ms(sign_in, token, 5_000)
            spent = f"p99 {clock:.3f} ms by the clock, {processor:.3f} ms of processor time"
            print(f"{kind:12} {share:,} mutants, {len(found)} let in; checking a good one: {spent}")
            accepted += len(found)
            for one in found[:3]:
                print(f"  LET IN: {one}")
    return 1 if accepted else 0


if __name__ == "__main__":
    raise SystemExit(main())
