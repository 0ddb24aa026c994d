"""Signing in at the pages: the code flow at a real provider, keys and tokens, sessions, and what is refused."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.access import shelf as shelves
from api.access.browser import Browsers
from api.access.caller import Caller
from api.access.limits import Limits
from api.access.sessions import Sessions
from api.access.shelf import LocalShelf, RedisShelf, Shelf
from api.access.signin import SignIn
from api.access.tokens import issue
from api.console.signing import local
from api.http.app import create_app
from api.settings import ConsoleSettings, LimitsSettings, SigninSettings
from index.errors import SettingsError
from tests.api import provider, redis_server
from tests.api.fake import FakeService
from tests.api.provider import AUDIENCE, CLIENT, PASSWORD, Provider

OWN = {"Origin": "http://testserver"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    with provider.running() as found:
        yield found


@pytest.fixture
def service() -> FakeService:
    return FakeService(governed=True)


def opened(
    service: FakeService, home: Path, base: str = "http://testserver", shelf: Shelf | None = None, **console: Any
) -> TestClient:
    issuer = console.pop("issuer", "")
    signin = SigninSettings(issuer=issuer, audience=AUDIENCE if issuer else "")
    browsers = Browsers(ConsoleSettings(**console), signin, shelf)
    app = create_app(service, sign_in=SignIn(signin, home), browsers=browsers, limits=Limits(LimitsSettings()))
    return TestClient(app, base_url=base, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def client(service: FakeService, tmp_path: Path, issuer: Provider) -> TestClient:
    return opened(service, tmp_path, issuer=issuer.issuer, client_id=CLIENT)


def at_the_provider(url: str, user: str = "emma") -> str:
    """Sign in on the provider's page; the path and query that it sends the browser back to."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    form = urllib.parse.urlencode({"username": user, "password": PASSWORD}).encode()
    with pytest.raises(urllib.error.HTTPError) as back:
        urllib.request.build_opener(Stay).open(url, form)
    parts = urllib.parse.urlsplit(back.value.headers["Location"])
    return f"{parts.path}?{parts.query}"


def begun(client: TestClient, then: str = "/console/drafts") -> str:
    return client.get("/console/sign-in/start", params={"then": then}).headers["location"]


def test_a_page_without_a_session_leads_to_the_sign_in_page(client: TestClient, service: FakeService) -> None:
    reply = client.get("/console/drafts?status=approved")
    assert reply.status_code == 303
    assert reply.headers["location"] == "/console/sign-in?then=%2Fconsole%2Fdrafts%3Fstatus%3Dapproved"
    assert client.get("/console/drafts?part=1").status_code == 401
    assert service.failures == []
    assert "Sign in with 127.0.0.1" in client.get(reply.headers["location"]).text


def test_the_code_flow_signs_in_and_no_token_reaches_the_page(client: TestClient) -> None:
    url = begun(client)
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    assert (
        asked["code_challenge_method"] == "S256" and asked["redirect_uri"] == "http://testserver/console/sign-in/back"
    )
    back = at_the_provider(url)
    reply = client.get(back)
    assert (reply.status_code, reply.headers["location"]) == (303, "/console/drafts")
    cookie = next(one for one in reply.headers.get_list("set-cookie") if one.startswith("tower_session="))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    page = client.get("/console/drafts")
    assert page.status_code == 200 and ">emma<" in page.text and "eyJ" not in page.text + cookie
    assert client.get("/v1/drafts").status_code == 200  # scripts of the page ask with the cookie
    again = client.get(back)
    assert again.status_code == 401 and "try again" in again.text.lower()


@pytest.mark.parametrize("change", ["state", "code", "cookie", "iss", "error"])
def test_an_answer_that_is_not_that_of_this_browser_signs_nobody_in(client: TestClient, change: str) -> None:
    back = at_the_provider(begun(client))
    if change == "cookie":
        client.cookies.clear()
    elif change in ("state", "code"):
        parts = urllib.parse.urlsplit(back)
        given = {**dict(urllib.parse.parse_qsl(parts.query)), change: "x"}
        back = f"{parts.path}?{urllib.parse.urlencode(given)}"
    else:
        back += f"&{change}=http%3A%2F%2Fevil.example"
    reply = client.get(back)
    assert reply.status_code == 401 and "tower_session" not in reply.headers.get("set-cookie", "")
    assert client.get("/console/drafts").status_code == 303


def test_a_code_of_another_sign_in_does_not_fit_the_verifier(client: TestClient) -> None:
    """Both are real; PKCE ties the code to the sign-in that it was made for."""
    first, second = at_the_provider(begun(client)), at_the_provider(begun(client))
    of = lambda back: dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))  # noqa: E731
    mixed = urllib.parse.urlencode({"code": of(first)["code"], "state": of(second)["state"]})
    assert client.get(f"/console/sign-in/back?{mixed}").status_code == 401


def test_a_key_or_a_token_signs_in_and_ends_the_session_when_it_ends(service: FakeService, tmp_path: Path) -> None:
    client = opened(service, tmp_path)
    keys = SignIn(SigninSettings(), tmp_path).keys
    key, text = keys.add("emma")
    reply = client.post("/console/sign-in", data={"token": text, "then": "/console/audit"}, headers=OWN)
    assert reply.headers["location"] == "/console/audit" and text not in reply.headers["set-cookie"]
    assert client.get("/console/drafts").status_code == 200
    keys.revoke(key.id)
    assert client.get("/console/drafts").status_code == 303
    token = issue(tmp_path, "akira", 1)
    client.post("/console/sign-in", data={"token": token}, headers=OWN)
    assert ">akira<" in client.get("/").text
    bad = client.post("/console/sign-in", data={"token": "tower_nonsense", "then": "//evil.example"}, headers=OWN)
    assert bad.status_code == 401 and "evil.example" not in bad.text and service.failures[-1] == "unauthorized"


def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(service: FakeService, tmp_path: Path) -> None:
    client = opened(service, tmp_path)
    client.post("/console/sign-in", data={"token": issue(tmp_path, "emma", 1)}, headers=OWN)
    cookie = client.cookies["tower_session"]
    assert client.post("/console/sign-out", headers=OWN).headers["location"] == "/console/sign-in?out=1"
    client.cookies.set("tower_session", cookie)
    assert client.get("/v1/drafts").status_code == 401


def test_a_session_ends_in_time(service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = opened(service, tmp_path, session_minutes=1)
    client.post("/console/sign-in", data={"token": issue(tmp_path, "emma", 1)}, headers=OWN)
    assert client.get("/v1/drafts").status_code == 200
    now = shelves.time.monotonic()
    monkeypatch.setattr(shelves.time, "monotonic", lambda: now + 61)
    assert client.get("/v1/drafts").status_code == 401


@pytest.fixture(params=["process", "redis"])
def shelf(request: pytest.FixtureRequest) -> Iterator[tuple[Shelf, Shelf]]:
    """Two servers' shelves that are one."""
    if request.param == "process":
        one = LocalShelf()
        yield one, one
        return
    with redis_server.running() as url:
        yield RedisShelf(url, "", "tower", "k" * 32), RedisShelf(url, "", "tower", "k" * 32)


def test_who_signed_in_at_one_server_is_signed_in_and_out_at_each(
    service: FakeService, tmp_path: Path, issuer: Provider, shelf: tuple[Shelf, Shelf]
) -> None:
    """A gateway that sends each request to another server: begun at one, come back to the other."""
    both = [opened(service, tmp_path, shelf=one, issuer=issuer.issuer, client_id=CLIENT) for one in shelf]
    back = at_the_provider(begun(both[0]))
    both[1].cookies.update(dict(both[0].cookies))
    assert both[1].get(back).headers["location"] == "/console/drafts"
    held = both[1].cookies["tower_session"]
    both[0].cookies.set("tower_session", held)
    assert [">emma<" in client.get("/console/drafts").text for client in both] == [True, True]
    assert [client.get(back).status_code for client in both] == [401, 401]  # a sign-in ends once, at whichever server
    both[0].post("/console/sign-out", headers=OWN)
    both[0].cookies.set("tower_session", held)
    assert [client.get("/v1/drafts").status_code for client in both] == [401, 401]


def test_servers_that_share_nothing_do_not_know_each_others_sessions(service: FakeService, tmp_path: Path) -> None:
    one, other = opened(service, tmp_path), opened(service, tmp_path)
    one.post("/console/sign-in", data={"token": issue(tmp_path, "emma", 1)}, headers=OWN)
    other.cookies.set("tower_session", one.cookies["tower_session"])
    assert (one.get("/v1/drafts").status_code, other.get("/v1/drafts").status_code) == (200, 401)


def test_a_session_comes_back_as_it_was_kept() -> None:
    sessions = Sessions(LocalShelf())
    for caller in (
        Caller("emma", "oidc"),
        Caller(
            "lena",
            "oidc",
            "crm",
            frozenset({"b", "a"}),
            (("region", "EMEA"), ("teams", ("x", "y"))),
            frozenset({"ask"}),
        ),
        Caller("olga", "oidc", groups=frozenset(), actions=frozenset()),
    ):
        found = sessions.find(sessions.open(60, caller=caller))
        assert found is not None and found.caller == caller
        assert hash(found.caller) == hash(caller)  # the scopes made for it serve again


def test_a_store_of_sessions_that_does_not_answer_lets_nobody_in(service: FakeService, tmp_path: Path) -> None:
    client = opened(service, tmp_path, shelf=RedisShelf("redis://127.0.0.1:1", "", "tower", "k" * 32))
    client.cookies.set("tower_session", "x")
    assert client.get("/v1/drafts").status_code == 507
    page = client.get("/")
    assert page.status_code == 507 and "does not answer" in page.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 200), ({"Sec-Fetch-Site": "same-origin"}, 200), ({}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Sec-Fetch-Site": "none"}, 403),
    ],
    ids=str,
)  # fmt: skip
def test_a_cookie_changes_something_only_from_a_page_of_this_server(
    service: FakeService, tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    client = opened(service, tmp_path)
    client.post("/console/sign-in", data={"token": issue(tmp_path, "emma", 1)}, headers=OWN)
    reply = client.post("/v1/drafts/d1/approve", headers=headers)
    assert reply.status_code == status
    assert service.drafts.held["d1"]["status"] == ("approved" if status == 200 else "proposed")
    assert client.post("/console/drafts/d1", data={"action": "reject"}, headers=headers).status_code != 500


def test_a_token_beside_the_cookie_wins(service: FakeService, tmp_path: Path) -> None:
    client = opened(service, tmp_path)
    client.post("/console/sign-in", data={"token": issue(tmp_path, "emma", 1)}, headers=OWN)
    bearer = {"Authorization": f"Bearer {issue(tmp_path, 'akira', 1)}"}
    assert ">akira<" in client.get("/", headers=bearer).text
    assert client.get("/", headers={"Authorization": "Bearer x"}).status_code == 303


def test_over_https_the_cookie_is_for_this_host_and_in_frames_for_other_sites(
    service: FakeService, tmp_path: Path
) -> None:
    token = issue(tmp_path, "emma", 1)
    for console, said in (({}, "SameSite=lax"), ({"frame_origins": ("https://crm.example",)}, "SameSite=none")):
        client = opened(service, tmp_path, url="https://tower.example.com", **console)
        reply = client.post("/console/sign-in", data={"token": token}, headers=OWN)
        cookie = reply.headers["set-cookie"]
        assert cookie.startswith("__Host-tower=") and "Secure" in cookie and said in cookie and "Domain" not in cookie


def test_a_user_whom_the_policy_does_not_know_is_told_so_and_can_sign_out(service: FakeService, tmp_path: Path) -> None:
    client = opened(service, tmp_path)
    client.post("/console/sign-in", data={"token": issue(tmp_path, "mallory", 1)}, headers=OWN)
    refused = client.get("/")
    assert refused.status_code == 403 and "/console/sign-out" in refused.text


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\r\nb", "evil"]
)
def test_no_link_of_ours_leads_elsewhere(path: str) -> None:
    assert local(path) == "/"


def test_a_client_id_needs_a_provider() -> None:
    with pytest.raises(SettingsError, match="issuer"):
        Browsers(ConsoleSettings(client_id="tower"), SigninSettings())
