"""Tokens that were changed, from a seed: none of them may be let in. Used by the suite and `scripts/fuzz_tokens.py`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Iterator
from typing import Any

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STRAY = [" ", "\n", "=", ".", "+", "/", "\u00e9", "\0", "%", ","]


def mutants(token: str, seed: int, public_key: bytes = b"public") -> Iterator[str]:
    """Endless mutants of `token` (a JWT, or an API key), each different from it."""
    chance = random.Random(seed)
    while True:
        made = chance.choice(_WAYS if token.count(".") == 2 else _PLAIN)(token, chance, public_key)
        if made != token:
            yield made


def _encoded(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _letter(token: str, chance: random.Random, _key: bytes) -> str:
    at = chance.randrange(len(token))
    return token[:at] + chance.choice(LETTERS) + token[at + 1 :]


def _last_letter(token: str, chance: random.Random, _key: bytes) -> str:
    """The spare bits of the last letter: a lax decoder does not see the difference."""
    return token[:-1] + chance.choice(LETTERS)


def _stray(token: str, chance: random.Random, _key: bytes) -> str:
    at = chance.randrange(len(token) + 1)
    return token[:at] + chance.choice(STRAY) + token[at:]


def _cut(token: str, chance: random.Random, _key: bytes) -> str:
    return token[: chance.randrange(len(token))]


def _doubled(token: str, chance: random.Random, _key: bytes) -> str:
    at = chance.randrange(1, len(token))
    return token[:at] + token[at - 1] + token[at:]


def _swapped(token: str, chance: random.Random, _key: bytes) -> str:
    one, two = sorted(chance.sample(range(len(token)), 2))
    return token[:one] + token[two] + token[one + 1 : two] + token[one] + token[two + 1 :]


def _case(token: str, chance: random.Random, _key: bytes) -> str:
    return token.swapcase() if chance.random() < 0.5 else token.upper()


def _claim(token: str, chance: random.Random, _key: bytes) -> str:
    """Another claim under the old signature."""
    head, body, mark = token.split(".")
    claims = _decoded(body)
    name = chance.choice(["sub", "exp", "aud", "iss", "scope", "groups", "nbf", "client_id", "email"])
    claims[name] = chance.choice(["root", 2**40, 0, None, ["root", "sales"], {"a": 1}, -1, "", True])
    return f"{head}.{_encoded(claims)}.{mark}"


def _unsigned(token: str, chance: random.Random, _key: bytes) -> str:
    """`alg: none`, with and without a signature."""
    _, body, mark = token.split(".")
    header = {"alg": chance.choice(["none", "None", "NONE", "nOnE", "", None]), "typ": "JWT"}
    return f"{_encoded(header)}.{body}.{chance.choice(['', mark])}"


def _confused(token: str, chance: random.Random, key: bytes) -> str:
    """Signed with the public key, or with something well known, as if that were a shared secret."""
    _, body, _ = token.split(".")
    name, kind = chance.choice([("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)])
    header = {"alg": name, "kid": chance.choice(["tower-development", "k1", "", "../../dev/null", None])}
    text = f"{_encoded(header)}.{body}"
    secret = chance.choice([key, b"", b"secret", b"\0" * 32])
    return f"{text}.{_encoded(hmac.digest(secret, text.encode(), kind().name))}"


def _header(token: str, chance: random.Random, _key: bytes) -> str:
    """A header that points elsewhere for the key, or asks for something unusual, under the old signature."""
    head, body, mark = token.split(".")
    header = _decoded(head)
    extra = chance.choice(
        [
            {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://127.0.0.1:1/cert"}, {"jwk": {"kty": "oct", "k": "AA"}},
            {"crit": ["b64"], "b64": False}, {"kid": "' OR 1=1 --"}, {"kid": ["k1"]}, {"alg": "RS512"},
            {"alg": "ES256"}, {"alg": ["RS256"]}, {"zip": "DEF"}, {"x5c": ["AAAA"]}, {"typ": 5}, {"cty": "JWT"},
        ]
    )  # fmt: skip
    return f"{_encoded({**header, **extra})}.{body}.{mark}"


def _parts(token: str, chance: random.Random, _key: bytes) -> str:
    """The parts in another order, one of them left out, or one too many."""
    parts = token.split(".")
    chance.shuffle(parts)
    return ".".join(chance.choice([parts, parts[:2], [*parts, parts[0]], ["", *parts[1:]]]))


def _noise(token: str, chance: random.Random, _key: bytes) -> str:
    return "".join(chance.choice(LETTERS + ".") for _ in range(chance.randrange(len(token) * 2)))


_PLAIN = (_letter, _last_letter, _stray, _cut, _doubled, _swapped, _case, _noise)
_WAYS = (*_PLAIN, _claim, _unsigned, _confused, _header, _parts)
