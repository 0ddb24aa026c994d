"""Sign-in: tokens of a real provider on loopback, API keys, development tokens, and what is refused."""

from __future__ import annotations

import json
import stat
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient

from api import Tower
from api.access import jwks
from api.access.jwks import KeySet
from api.access.limits import Limits
from api.access.signin import SignIn
from api.access.tokens import issue
from api.audit import Audited
from api.cli import main
from api.http.app import create_app
from api.settings import LimitsSettings, SigninSettings
from index.audit import AuditLog
from index.errors import PolicyError, SettingsError, SignInError, SourceError, TowerError
from index.policy.file import parse_policy
from index.scope import Scope
from scripts.fuzz_tokens import fuzz, p99_ms, signed_in
from tests.api import provider
from tests.api.fake import CATALOGUE, FakeService
from tests.api.provider import AUDIENCE, CLIENT, Provider
from tests.api.served import served

LONG_AGO = 1_700_000_000  # a constant: the workers of a parallel run must collect the same tests


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    with provider.running() as found:
        yield found


def settings(issuer: Provider, **changed: Any) -> SigninSettings:
    return SigninSettings.model_validate({"issuer": issuer.issuer, "audience": AUDIENCE, **changed})


def bearer(token: str) -> list[str]:
    return [f"Bearer {token}"]


# --- a provider's tokens ---------------------------------------------------------------------------------------------


def test_a_provider_s_tokens_prove_users_and_machine_clients(issuer: Provider, tmp_path: Path) -> None:
    sign_in = SignIn(settings(issuer), tmp_path)
    machine = sign_in.caller(bearer(issuer.client_token()))
    assert (machine.name, machine.client, machine.how) == (CLIENT, CLIENT, "oidc")
    user = sign_in.caller(bearer(issuer.user_token("emma")))
    assert (user.name, user.client, user.groups, user.actions) == ("emma", CLIENT, None, None)


def test_claims_become_groups_and_attributes_and_scopes_become_actions(issuer: Provider, tmp_path: Path) -> None:
    chosen = settings(
        issuer, groups_claim="groups", attributes={"region": "region"}, scopes={"tower.ask": ["ask"], "x": ["audit"]}
    )
    lena = SignIn(chosen, tmp_path).caller(bearer(issuer.user_token("lena")))
    assert lena.groups == {"sales"} and lena.attributes == (("region", "EMEA"),) and lena.actions == {"ask"}
    none = SignIn(chosen, tmp_path).caller(bearer(issuer.sign(scope="other")))
    assert none.actions == frozenset()


def test_keys_that_rotate_are_followed_and_the_old_ones_end(
    issuer: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "AGAIN_S", 0.0)
    sign_in = SignIn(settings(issuer), tmp_path)
    old = issuer.sign()
    assert sign_in.caller(bearer(old)).name == "emma"
    issuer.rotate()
    assert sign_in.caller(bearer(issuer.sign())).name == "emma"  # an unknown key id makes it look again
    with pytest.raises(SignInError):
        sign_in.caller(bearer(old))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://another.example"}, {"aud": None}, {"aud": []}, {"iss": "https://another.example"},
        {"iss": None}, {"exp": None}, {"exp": 1}, {"exp": "soon"}, {"nbf": 2**40}, {"sub": None}, {"sub": ""},
        {"sub": ["emma"]}, {"exp": LONG_AGO},
    ],
    ids=str,
)  # fmt: skip
def test_claims_that_do_not_hold_are_refused(issuer: Provider, tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(SignInError):
        SignIn(settings(issuer), tmp_path).caller(bearer(issuer.sign(**changed)))


def test_a_clock_that_is_a_little_wrong_is_allowed_for(issuer: Provider, tmp_path: Path) -> None:
    late = issuer.sign(exp=int(time.time()) - 10)
    assert SignIn(settings(issuer), tmp_path).caller(bearer(late)).name == "emma"
    with pytest.raises(SignInError, match="expired"):
        SignIn(settings(issuer, leeway_s=0), tmp_path).caller(bearer(late))


def test_an_algorithm_that_is_not_listed_is_refused(issuer: Provider, tmp_path: Path) -> None:
    with pytest.raises(SignInError):
        SignIn(settings(issuer, algorithms=["ES256"]), tmp_path).caller(bearer(issuer.sign()))
    for name in ("HS256", "none"):
        with pytest.raises(ValueError, match="algorithms"):
            settings(issuer, algorithms=[name])


def test_an_address_of_mail_names_a_user_only_when_it_was_verified(issuer: Provider, tmp_path: Path) -> None:
    sign_in = SignIn(settings(issuer, user_claim="email"), tmp_path)
    assert sign_in.caller(bearer(issuer.sign(email="a@x.example", email_verified=True))).name == "a@x.example"
    for said in (False, None, "true"):
        with pytest.raises(SignInError, match="verified"):
            sign_in.caller(bearer(issuer.sign(email="a@x.example", email_verified=said)))


def test_a_second_provider_s_users_sign_in_by_the_code_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`oidc-provider-mock`, which is not ours: what it puts into an ID token is taken as it is."""
    from oidc_provider_mock import run_server_in_thread

    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with run_server_in_thread() as server:
        base = f"http://localhost:{server.server_port}"
        asked = {"client_id": "tower", "redirect_uri": "http://localhost:1/back", "response_type": "code",
                 "scope": "openid email"}  # fmt: skip
        form = urllib.parse.urlencode({"sub": "emma"}).encode()

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        try:
            urllib.request.build_opener(Stay).open(f"{base}/oauth2/authorize?{urllib.parse.urlencode(asked)}", form)
            raise AssertionError("it did not redirect")
        except urllib.error.HTTPError as redirect:
            code = urllib.parse.parse_qs(urllib.parse.urlsplit(redirect.headers["Location"]).query)["code"][0]
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked["redirect_uri"],
                 "client_id": "tower", "client_secret": "any"}  # fmt: skip
        with urllib.request.urlopen(f"{base}/oauth2/token", urllib.parse.urlencode(given).encode()) as reply:
            token = json.load(reply)["id_token"]
        chosen = SigninSettings(issuer=base, audience="tower")
        assert SignIn(chosen, tmp_path).caller(bearer(token)).name == "emma"


# --- the provider's keys ---------------------------------------------------------------------------------------------


def test_an_issuer_must_be_https_or_on_this_machine(tmp_path: Path) -> None:
    for address in ("http://login.example", "ftp://login.example", "login.example", "file:///etc/passwd"):
        with pytest.raises(SettingsError):
            SignIn(SigninSettings(issuer=address, audience="tower"), tmp_path)
    with pytest.raises(SettingsError, match="audience"):
        SignIn(SigninSettings(issuer="https://login.example"), tmp_path)


def test_made_up_key_ids_do_not_make_us_ask_the_provider_each_time() -> None:
    asked: list[str] = []

    def fetch(url: str) -> dict[str, Any]:
        asked.append(url)
        return {"keys": []}

    keys = KeySet("https://login.example", "https://login.example/jwks", fetch=fetch)
    assert [keys.find(f"k{at}", "RS256") for at in range(100)] == [None] * 100
    assert len(asked) == 1


def test_while_the_provider_is_silent_its_last_keys_hold_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True)
    silent = False

    def fetch(_url: str) -> dict[str, Any]:
        if silent:
            raise SourceError("no answer")
        return {"keys": [{**key, "kid": "k1"}]}

    keys = KeySet("https://login.example", "https://login.example/jwks", fetch=fetch)
    assert keys.find("k1", "RS256") is not None
    silent = True
    monkeypatch.setattr(jwks, "FRESH_S", -1.0)
    monkeypatch.setattr(jwks, "AGAIN_S", 0.0)
    assert keys.find("k1", "RS256") is not None
    monkeypatch.setattr(jwks, "STALE_S", -1.0)
    with pytest.raises(SourceError):
        keys.find("k1", "RS256")


def test_a_key_is_for_its_own_kind_of_algorithm_and_long_enough() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    short = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)
    keys = KeySet("i", "u", fetch=lambda _: {"keys": [{**short, "kid": "k1"}, {"kty": "oct", "k": "AA", "kid": "k2"}]})
    assert keys.find("k1", "ES256") is None and keys.find("k2", "RS256") is None
    with pytest.raises(jwt.InvalidKeyError):
        keys.find("k1", "RS256")


# --- API keys and development tokens ---------------------------------------------------------------------------------


def test_an_api_key_is_kept_as_a_hash_and_revoked_at_once(tmp_path: Path) -> None:
    sign_in = SignIn(SigninSettings(production=True), tmp_path)
    key, text = sign_in.keys.add("emma", "console", actions=["ask"])
    path = tmp_path / "keys.json"
    assert text.split("_", 2)[2] not in path.read_text("utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    caller = sign_in.caller(bearer(text))
    assert (caller.name, caller.client, caller.actions) == ("emma", f"key:{key.id}", {"ask"})
    SignIn(SigninSettings(), tmp_path).keys.revoke(key.id)  # another process
    with pytest.raises(SignInError, match="revoked"):
        sign_in.caller(bearer(text))
    assert not sign_in.ready


def test_an_api_key_ends_on_its_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    from api.access import keys

    found = keys.ApiKeys(tmp_path)
    _, text = found.add("emma", days=1)
    assert found.caller(text).name == "emma"
    monkeypatch.setattr(keys, "_now", lambda: dt.datetime.now(dt.UTC) + dt.timedelta(days=2))
    with pytest.raises(SignInError, match="expired"):
        found.caller(text)


def test_a_development_token_is_for_its_workspace_and_not_for_production(tmp_path: Path) -> None:
    token = issue(tmp_path, "emma", 1)
    assert stat.S_IMODE((tmp_path / "token.key").stat().st_mode) == 0o600
    assert SignIn(SigninSettings(), tmp_path).caller(bearer(token)).name == "emma"
    with pytest.raises(SignInError, match="production"):
        SignIn(SigninSettings(production=True), tmp_path).caller(bearer(token))
    other = tmp_path / "other"
    other.mkdir()
    issue(other, "emma", 1)
    for home in (other, tmp_path / "none"):
        with pytest.raises(SignInError):
            SignIn(SigninSettings(), home).caller(bearer(token))
    with pytest.raises(SignInError, match="expired"):
        SignIn(SigninSettings(), tmp_path).caller(bearer(issue(tmp_path, "emma", -1)))


def test_a_few_thousand_changed_tokens_are_all_refused(tmp_path: Path) -> None:
    """`python -m scripts.fuzz_tokens` is the long run of this."""
    sign_in, tokens = signed_in(tmp_path)
    for token, public in tokens.values():
        assert fuzz(sign_in, token, public, 800, seed=7) == []
        assert p99_ms(sign_in, token, 300)[1] < 5


# --- at the door -----------------------------------------------------------------------------------------------------


@pytest.fixture
def service() -> FakeService:
    return FakeService(governed=True)


@pytest.fixture
def client(service: FakeService, tmp_path: Path) -> Iterator[TestClient]:
    sign_in = SignIn(SigninSettings(), tmp_path)
    with TestClient(create_app(service, sign_in=sign_in), raise_server_exceptions=False) as client:
        yield client


def test_every_route_but_the_open_ones_needs_a_token(client: TestClient, service: FakeService) -> None:
    schema = client.get("/openapi.json").json()
    routes = [(method.upper(), path.format(answer_id="a", draft_id="d1", job_id="j", feedback_id="f", number=1))
              for path, methods in schema["paths"].items() for method in methods]  # fmt: skip
    for method, path in [*routes, ("POST", "/"), ("POST", "/mcp"), ("GET", "/v1/nothing"), ("DELETE", "/v1/ask")]:
        reply = client.request(method, path, content=b"{not json", headers={"Content-Type": "application/json"})
        if path in ("/healthz", "/readyz"):
            assert reply.status_code == 200
            continue
        assert reply.status_code == 401, (method, path)
        assert reply.headers["www-authenticate"] == 'Bearer realm="tower"'
        if path != "/":
            assert reply.json()["code"] == "unauthorized"
    assert service.asked == [] and set(service.failures) == {"unauthorized"}


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Basic ZW1tYTpwdw==")], [("Authorization", "Bearer")], [("Authorization", "Bearer x.y.z")],
        [("Authorization", "")], [("Authorization", "tower_0_0")],
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_good_token_is_told_so(client: TestClient, headers: list[tuple[str, str]]) -> None:
    reply = client.get("/v1/drafts", headers=headers)
    assert reply.status_code == 401 and 'error="invalid_token"' in reply.headers["www-authenticate"]


def test_two_tokens_at_once_are_refused(client: TestClient, tmp_path: Path) -> None:
    good = f"Bearer {issue(tmp_path, 'emma', 1)}"
    assert client.get("/v1/drafts", headers={"Authorization": good}).status_code == 200
    twice = client.get("/v1/drafts", headers=[("Authorization", good), ("Authorization", good)])
    assert twice.status_code == 401


def test_a_good_token_of_somebody_without_policy_is_forbidden(client: TestClient, tmp_path: Path) -> None:
    reply = client.get("/v1/drafts", headers={"Authorization": f"bearer {issue(tmp_path, 'mallory', 1)}"})
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")


def test_many_failures_from_one_address_are_not_all_recorded(service: FakeService, tmp_path: Path) -> None:
    limits = Limits(LimitsSettings(failures_per_minute=3))
    client = TestClient(create_app(service, sign_in=SignIn(SigninSettings(), tmp_path), limits=limits))
    replies = [client.get("/v1/drafts").status_code for _ in range(6)]
    assert replies == [401] * 3 + [429] * 3 and len(service.failures) == 3
    good = {"Authorization": f"Bearer {issue(tmp_path, 'emma', 1)}"}
    assert client.get("/v1/drafts", headers=good).status_code == 200


def test_a_failed_sign_in_is_in_the_audit_log(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    audited = Audited(FakeService(governed=True), log)
    client = TestClient(create_app(audited, sign_in=SignIn(SigninSettings(), tmp_path)))
    token = issue(tmp_path, "emma", 1)
    client.get("/v1/drafts", headers={"Authorization": f"Bearer {token[:-2]}"})
    [record] = log.tail(5)
    assert record["api"]["operation"] == "sign_in" and record["status_code"] == "unauthorized"
    assert record["src_endpoint"] == {"ip": "testclient"} and token[:-2] not in json.dumps(record)


def test_a_program_connects_with_a_token(service: FakeService, tmp_path: Path) -> None:
    with served(tmp_path, service, sign_in=SignIn(SigninSettings(), tmp_path)) as url:
        with Tower.connect(url, token=issue(tmp_path, "emma", 1)) as tower:
            assert tower.ask("How many accounts?").answer == "There are 3 accounts [1]."
        for token in (None, "nonsense"):
            with Tower.connect(url, token=token) as tower, pytest.raises(SignInError):
                tower.ask("How many accounts?")


# --- what a caller may see -------------------------------------------------------------------------------------------

POLICY: dict[str, Any] = {
    "users": {"emma": {"roles": ["reader"]}},
    "groups": {"sales": {"roles": ["regional"]}},
    "roles": {
        "reader": {"tables": {"accounts": ["name"]}, "actions": ["ask", "drafts"]},
        "regional": {"tables": {"accounts": {"columns": ["id"], "rows": "name = {region}"}}, "actions": ["ask", "sql"]},
    },
}


def scope(name: str, groups: frozenset[str], attributes: dict[str, str]) -> Scope:
    return parse_policy(POLICY, CATALOGUE, frozenset()).member_scope(name, groups, attributes)


def test_somebody_whom_the_file_does_not_list_is_a_member_of_the_groups_it_declares() -> None:
    found = scope("lena", frozenset({"sales", "elsewhere"}), {"region": "EM'EA"})
    assert found.tables["accounts"].rows == "name = 'EM''EA'" and found.actions == {"ask", "sql"}
    for groups, attributes in ((frozenset({"elsewhere"}), {"region": "x"}), (frozenset({"sales"}), {})):
        with pytest.raises(PolicyError) as refused:
            scope("olga", groups, dict(attributes))
        assert "name =" not in refused.value.message + refused.value.hint


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "tower.yaml").write_text("version: 1\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        status = main([*arguments, "--json", "--home", str(home)])
        return status, json.loads(capsys.readouterr().out)

    return run


def test_tokens_and_keys_are_made_listed_and_revoked(home: Path, run: Callable[..., tuple[int, Any]]) -> None:
    status, made = run("token", "--user", "emma")
    assert status == 0 and SignIn(SigninSettings(), home).caller(bearer(made["token"])).name == "emma"
    status, key = run("keys", "add", "--user", "emma", "--label", "console", "--days", "30", "--action", "ask")
    assert status == 0 and SignIn(SigninSettings(), home).caller(bearer(key["key"])).actions == {"ask"}
    status, listed = run("keys", "list")
    assert [(one["user"], one["state"]) for one in listed] == [("emma", "good")]
    assert key["key"] not in json.dumps(listed)
    assert run("keys", "revoke", listed[0]["id"])[1]["state"] == "revoked"
    assert run("keys", "revoke", "nothing")[0] == 1
    assert run("keys", "add", "--user", "emma", "--action", "everything")[0] == 2
    assert run("token", "--user", "emma", "--hours", "1000")[0] == 2
    operations = [record["api"]["operation"] for record in AuditLog(home).tail(50)]
    assert {"token.issue", "keys.add", "keys.revoke"} <= set(operations)


def test_production_makes_no_development_token(home: Path, run: Callable[..., tuple[int, Any]]) -> None:
    (home / "tower.yaml").write_text("signin: {production: true}\n", encoding="utf-8")
    assert run("token", "--user", "emma")[0] == 3


@pytest.mark.parametrize(
    ("settings", "policy", "key", "arguments", "said"),
    [
        ("{}", False, False, ["--host", "0.0.0.0"], "declares no users"),
        ("signin: {production: true}", False, True, [], "declares no users"),
        ("{}", True, False, ["--host", "0.0.0.0"], "nobody can sign in"),
        ("signin: {production: true}", True, False, [], "nobody can sign in"),
        ("{}", True, True, ["--host", "10.1.2.3", "--as", "emma"], "--as"),
        ("{}", True, True, ["--host", "0.0.0.0"], "no name of its own"),
        ("{}", True, True, ["--host", "tower.example"], "no address"),
        ("signin: {issuer: 'https://x.example'}", True, True, [], "audience"),
    ],
)
def test_a_server_that_would_let_strangers_in_does_not_start(
    home: Path, run: Callable[..., tuple[int, Any]], settings: str, policy: bool, key: bool, arguments: list[str],
    said: str,
) -> None:  # fmt: skip
    (home / "tower.yaml").write_text(f"{settings}\n" if settings != "{}" else "version: 1\n", encoding="utf-8")
    if key:
        SignIn(SigninSettings(), home).keys.add("emma")
    if policy:
        (home / "policy.yaml").write_text("users: {emma: {roles: []}}\n", encoding="utf-8")
    status, told = run("serve", *arguments)
    assert status in (2, 3) and said in told["error"]["message"] + told["error"]["hint"]


def test_signing_in_raises_nothing_but_our_own_errors(tmp_path: Path) -> None:
    sign_in = SignIn(SigninSettings(), tmp_path)
    for text in ("", "Bearer ", "Bearer " + "." * 3, "Bearer " + "a" * 20_000, "Bearer \u00e9", "Bearer a.b.c d"):
        with pytest.raises(TowerError):
            sign_in.caller([text])
