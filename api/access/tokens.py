"""Development tokens: signed with a key that `tower token` makes in the workspace, and refused in production."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from api.access.caller import Caller
from index.errors import SignInError, StorageError

FILE = "token.key"
KEY_ID = "tower-development"
ISSUER = AUDIENCE = "tower:development"
LONGEST_H = 24 * 7
_KEY = re.compile(rb"[0-9a-f]{64}")


def issue(home: Path, user: str, hours: float) -> str:
    """A token for `user` that holds for `hours`; the key is made, readable by its owner only, where there is none."""
    import jwt

    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + round(hours * 3600)}
    return jwt.encode({**claims, "jti": secrets.token_hex(8)}, _own_key(home), "HS256", headers={"kid": KEY_ID})


def is_development(header: Mapping[str, Any]) -> bool:
    """True for the header of a token that `issue` could have made."""
    return header.get("kid") == KEY_ID and header.get("alg") == "HS256"


class DevelopmentTokens:
    """Checks development tokens against the workspace's key."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._key: bytes | None = None

    def caller(self, token: str) -> Caller:
        """Who calls with `token`; raises `SignInError`."""
        import jwt

        if self._key is None:
            self._key = _read(self._home / FILE)
        if self._key is None:
            raise SignInError("the token does not hold", hint="`tower token --user USER` makes one")
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise SignInError("the token has expired", hint="`tower token --user USER` makes another") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise SignInError("the token does not hold", hint="`tower token --user USER` makes one") from error
        return Caller(str(claims["sub"]), "development")


def _own_key(home: Path) -> bytes:
    path = home / FILE
    held = _read(path)
    if held is not None:
        return held
    temporary = path.with_name(f"{FILE}.{os.getpid()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_hex(32).encode())
        try:
            os.link(temporary, path)  # of two that begin at once, one wins
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    except OSError as error:
        raise StorageError(f"the key {path} cannot be made: {error}") from error
    made = _read(path)
    assert made is not None
    return made


def _read(path: Path) -> bytes | None:
    """The key in the file; None where there is none. Raises `StorageError` for a file that is no key."""
    try:
        content = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    if not _KEY.fullmatch(content):
        raise StorageError(f"{path} is not a key", hint="remove it: `tower token` makes a new one")
    return bytes.fromhex(content.decode())
