"""The pages: what they show, what they never let in, and that nothing in them is inline or from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient
from hatchling.builders.wheel import WheelBuilder

from api.access.browser import Browsers
from api.console import assets
from api.console.asking import drawn
from api.encode import to_json
from api.http.app import create_app
from api.settings import ConsoleSettings
from index.errors import UsageError
from index.scope import Scope
from tests.api.fake import FakeService
from tests.test_docs import ROOT

PAGES = (
    "/", "/console/examples", "/console/at-risk", "/console/at-risk?score=late&show=all&sort=-due&page=2",
    "/console/drafts", "/console/drafts?status=approved", "/console/drafts/d1", "/console/sources", "/console/audit",
    "/console/audit?check=1", "/console/feedback", "/console/feedback?status=accepted",
    "/console/sign-in", "/console/drafts/d1/citations/1", "/console/answers/nothing",
)  # fmt: skip


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def client(service: FakeService) -> Iterator[TestClient]:
    with TestClient(create_app(service), raise_server_exceptions=False) as client:
        yield client


def asked(client: TestClient, question: str) -> str:
    return client.post("/", data={"question": question}).text


@pytest.mark.parametrize("path", PAGES)
def test_nothing_in_a_page_is_inline_or_from_elsewhere(client: TestClient, path: str) -> None:
    reply = client.get(path)
    soup = BeautifulSoup(reply.text, "html.parser")
    assert soup.find("main") is not None and soup.title is not None
    assert [tag for tag in soup.find_all("script") if tag.string or not str(tag["src"]).startswith("/console/")] == []
    assert soup.find_all("style") == [] and soup.find_all(style=True) == []
    assert [tag for tag in soup.find_all() if any(name.startswith("on") for name in tag.attrs)] == []
    addresses = [str(tag.get(name)) for tag in soup.find_all() for name in ("src", "href", "action") if tag.get(name)]
    assert [address for address in addresses if not address.startswith(("/", "#", "?"))] == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_policy_landmarks_and_labelled_fields(client: TestClient, path: str) -> None:
    reply = client.get(path)
    policy = reply.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'",
                 "form-action 'self'", "base-uri 'none'", "require-trusted-types-for 'script'"):  # fmt: skip
        assert rule in policy
    assert "unsafe" not in policy and reply.headers["cache-control"] == "no-store"
    soup = BeautifulSoup(reply.text, "html.parser")
    assert soup.select_one("html[lang]") and soup.select_one("a.skip[href='#main']") and len(soup.select("h1")) <= 1
    for field in soup.select("input:not([type=hidden]), textarea, select"):
        named = (
            field.get("aria-label") or field.find_parent("label") or soup.select_one(f"label[for={field.get('id')}]")
        )
        assert named, field


def test_the_page_asks_and_shows_the_answer_with_its_sources(client: TestClient) -> None:
    assert 'name="question"' in client.get("/").text
    page = BeautifulSoup(asked(client, "How many accounts?"), "html.parser")
    mark = page.select_one(".prose a.mark")
    assert mark is not None and mark["href"] == "/console/answers/a18/citations/1"
    assert "SELECT COUNT(*)" in page.select_one("details pre").text  # type: ignore[union-attr]
    assert page.select_one("[name=conversation]")["value"] == "a18"  # type: ignore[index]
    kept = client.get("/console/answers/a18", params={"part": "1"}).text
    assert "<html" not in kept and "There are 3 accounts" in kept


def test_what_a_mark_leads_to_is_shown_and_escaped(client: TestClient) -> None:
    asked(client, "How many accounts?")
    for folder in ("answers/a18", "drafts/d1"):
        part = client.get(f"/console/{folder}/citations/1", params={"part": "1"}).text
        assert "&lt;b&gt;12&lt;/b&gt;" in part and "<b>" not in part and "<html" not in part
    missing = client.get("/console/drafts/d1/citations/9", params={"part": "1"})
    assert missing.status_code == 404 and 'role="alert"' in missing.text
    assert client.get("/console/others/d1/citations/1").status_code == 404


def test_hostile_text_stays_text(client: TestClient, service: FakeService) -> None:
    page = asked(client, "Hostile?")
    soup = BeautifulSoup(page, "html.parser")
    assert "<script>alert" not in page and soup.select("[onload]") == []
    assert [a["href"] for a in soup.select(".prose a[href]") if not str(a["href"]).startswith("/console/")] == []
    assert soup.select(".prose img") == []
    service.drafts.held["d1"].update(subject='"><script>alert(1)</script>', body="</textarea><script>alert(2)</script>")
    for path in ("/console/drafts", "/console/drafts/d1"):
        assert "<script>alert" not in client.get(path).text
    bad = client.post("/", data={"question": '"><script>alert(1)</script>' + "x" * 5000})
    assert bad.status_code == 400 and "<script>alert" not in bad.text and 'role="alert"' in bad.text


def test_charts_are_drawn_here_and_cannot_run(client: TestClient) -> None:
    asked(client, "Who leaves?")
    light = client.get("/console/answers/a11/chart.svg")
    assert light.headers["content-type"] == "image/svg+xml" and light.text.startswith("<svg")
    assert "sandbox" in light.headers["content-security-policy"]
    assert client.get("/console/answers/a18/chart.svg").status_code == 404
    assert client.get("/console/answers/a11/chart.svg?narrow=1&dark=1").text.startswith("<svg")


def test_a_phone_gets_a_narrow_chart_with_letters_of_the_same_size() -> None:
    specification = to_json({"width": 640, "height": 200, "data": {"values": [{"x": 1, "y": 2}]}, "mark": "point",
                             "encoding": {"x": {"field": "x"}, "y": {"field": "y"}}})  # fmt: skip
    wide, narrow = (str(drawn(specification, False, small)) for small in (False, True))
    widths = [int(re.findall(r'width="(\d+)', svg)[0]) for svg in (wide, narrow)]
    assert widths[1] < 340 and widths[0] > 640
    assert set(re.findall(r'font-size="(\w+)"', wide)) == set(re.findall(r'font-size="(\w+)"', narrow))


def test_whatever_fails_on_a_page_is_a_page(monkeypatch: pytest.MonkeyPatch, service: FakeService) -> None:
    client = TestClient(create_app(service), raise_server_exceptions=False)
    missing = client.get("/console/nothing")
    assert missing.status_code == 404 and "There is no such page" in missing.text and "<nav" in missing.text
    mistyped = client.get("/drafts", headers={"Accept": "text/html,application/xhtml+xml"})
    assert mistyped.status_code == 404 and "There is no such page" in mistyped.text
    assert client.get("/drafts").json()["code"] == "not_found"
    assert client.get("/v1/nope", headers={"Accept": "text/html"}).json()["code"] == "not_found"
    assert client.put("/console/drafts").status_code == 405

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(service.views), "at_risk", broken)
    failed = client.get("/console/at-risk")
    assert failed.status_code == 500 and "did not foresee" in failed.text and "secret" not in failed.text
    assert "script-src 'self'" in failed.headers["content-security-policy"]
    full = TestClient(create_app(service, concurrent=0))
    page, problem = full.get("/"), full.post("/v1/ask", json={"question": "How many?"})
    assert page.status_code == problem.status_code == 429 and page.headers["retry-after"] == "1"
    assert "Too many requests" in page.text and problem.json()["code"] == "limited"
    for reply in (missing, failed, page):
        assert BeautifulSoup(reply.text, "html.parser").select_one("main h1") is not None


def test_a_picture_is_sent_only_when_it_is_one(client: TestClient, service: FakeService) -> None:
    service.drafts.held["d1"]["images"] = [{"path": str(ROOT / "pyproject.toml"), "title": "x"}]
    for number in (0, 1, -1):
        assert client.get(f"/console/drafts/d1/images/{number}").status_code == 404


def test_the_list_of_those_at_risk_says_how_it_is_sorted(client: TestClient) -> None:
    soup = BeautifulSoup(client.get("/console/at-risk", params={"sort": "due", "show": "all"}).text, "html.parser")
    heads = {th.get_text(strip=True): th["aria-sort"] for th in soup.select("th[aria-sort]")}
    assert heads == {"Account": "none", "Churn risk": "none", "Renewal date": "ascending"}
    link = soup.select_one("th[aria-sort=ascending] a")
    assert link is not None and "sort=-due" in str(link["href"]) and "show=all" in str(link["href"])
    assert soup.select_one('a[href="/console/drafts/d1"]') and "orders &lt;fell&gt;" in str(soup)
    assert [option["value"] for option in soup.select("select[name=score] option")] == ["churn", "late"]


def test_long_lists_come_in_pages(client: TestClient, service: FakeService) -> None:
    one = service.drafts.held["d1"]
    service.drafts.held = {f"d{n}": {**one, "id": f"d{n}"} for n in range(120)}
    rows = [len(BeautifulSoup(client.get(f"/console/drafts?page={at}").text, "html.parser").select("tbody tr"))
            for at in ("1", "3", "4", "x", "-1")]  # fmt: skip
    assert rows == [50, 20, 0, 50, 50]
    assert 'href="?score=churn&amp;sort=-score&amp;page=2"' in client.get("/console/at-risk").text


def test_a_draft_is_checked_edited_approved_and_exported(client: TestClient, service: FakeService) -> None:
    checked = client.post("/console/drafts/d1/check?part=1", data={"subject": "S", "body": "see http://x.example"})
    assert "a link" in checked.text and service.drafts.held["d1"]["body"] == "You have 12 seats [1]."
    assert client.post("/console/drafts/d1", data={"action": "export"}).status_code == 409
    text = {"subject": "Your seats", "body": "You have 12 seats [1].\r\nGood", "action": "approve"}
    done = client.post("/console/drafts/d1", data=text, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/console/drafts/d1?done=approve")
    assert service.drafts.held["d1"]["body"] == "You have 12 seats [1].\nGood"
    file = client.post("/console/drafts/d1", data={"action": "export"})
    assert file.headers["content-type"] == "message/rfc822" and file.content == b"From: x"
    assert file.headers["content-disposition"] == 'attachment; filename="your-seats.eml"'


def test_a_failed_decision_keeps_what_was_typed(client: TestClient, service: FakeService) -> None:
    service.drafts.held["d1"]["status"] = "approved"
    reply = client.post("/console/drafts/d1", data={"action": "save", "subject": "Mine", "body": "My own words"})
    assert reply.status_code == 400 and "My own words" in reply.text and 'role="alert"' in reply.text


def test_under_an_answer_one_says_whether_it_was_right_and_what_would_be(
    client: TestClient, service: FakeService
) -> None:
    page = BeautifulSoup(asked(client, "How many accounts?"), "html.parser")
    form = page.select_one("form.thumbs")
    assert form is not None and form["action"] == "/console/answers/a18/feedback"
    assert [button["value"] for button in form.select("button[name=verdict]")] == ["up", "down"]
    up = client.post(str(form["action"]), data={"verdict": "up"}, follow_redirects=False)
    assert (up.status_code, up.headers["location"]) == (303, "/console/answers/a18?said=up#word-a18")
    assert "noted as right" in client.get(up.headers["location"]).text
    down = client.post(str(form["action"]) + "?part=1", data={"verdict": "down"})
    part = BeautifulSoup(down.text, "html.parser")
    assert "<html" not in down.text and part.select_one("textarea[name=contains]") is not None
    given = {"verdict": "down", "comment": "<b>LATAM</b>", "contains": " 4 \r\n\r\nfour\n", "route": ""}
    more = client.post(str(form["action"]), data=given)
    assert "waits for a reviewer" in more.text
    kept = service.feedback.held["f1"]
    assert (kept["verdict"], kept["comment"], kept["correction"]) == (
        "down",
        "<b>LATAM</b>",
        {"contains": ["4", "four"]},
    )
    assert client.post(str(form["action"]), data={"verdict": "down", "route": "refuse"}).status_code == 200
    assert service.feedback.held["f1"]["correction"] == {"route": "refuse"}


def test_a_reviewer_accepts_or_dismisses_what_was_said(client: TestClient, service: FakeService) -> None:
    assert "Nothing open" in client.get("/console/feedback").text
    correction = {"contains": ["4", "four"], "rows": [[4]]}
    word = {"verdict": "down", "comment": "<script>alert(1)</script>", "correction": correction}
    service.feedback.held["f1"] = {"id": "f1", "answer_id": "a1", "principal": "zoe", "status": "open",
                                   "question": "How <many>?", **word}  # fmt: skip
    page = client.get("/console/feedback")
    assert "<script>alert" not in page.text and "How &lt;many&gt;?" in page.text
    shown = BeautifulSoup(page.text, "html.parser")
    assert shown.select_one("textarea[name=contains]").text == "4\nfour"  # type: ignore[union-attr]
    assert '"rows"' in shown.select_one("article pre").text  # type: ignore[union-attr]
    bad = client.post("/console/feedback/f2", data={"action": "accept"})
    assert bad.status_code == 404 and 'role="alert"' in bad.text and "How &lt;many&gt;?" in bad.text
    assert client.post("/console/feedback/f1", data={"action": "burn"}).status_code == 400
    stated = {"action": "accept", "contains": "5", "sql": "SELECT 5", "route": "sql"}
    done = client.post("/console/feedback/f1", data=stated, follow_redirects=False)
    assert done.headers["location"] == "/console/feedback?done=accept"
    assert service.feedback.held["f1"]["status"] == "accepted"
    assert service.feedback.accepted == {"rows": [[4]], "contains": ["5"], "sql": "SELECT 5", "route": "sql"}
    service.feedback.held["f1"]["status"] = "open"
    client.post("/console/feedback/f1", data={"action": "dismiss", "reason": "known"})
    assert (
        service.feedback.held["f1"]["status"] == "dismissed"
        and "Dismissed" in client.get("/console/feedback?status=dismissed&done=dismiss").text
    )


def test_a_failed_review_keeps_what_was_typed(
    monkeypatch: pytest.MonkeyPatch, client: TestClient, service: FakeService
) -> None:
    service.feedback.held["f1"] = {"id": "f1", "answer_id": "a1", "principal": "zoe", "status": "open",
                                   "verdict": "down", "question": "Q"}  # fmt: skip

    def refuse(*_: object) -> None:
        raise UsageError("the correction's SQL does not run")

    monkeypatch.setattr(service.feedback, "accept", refuse)
    page = client.post("/console/feedback/f1", data={"action": "accept", "sql": "SELECT mine", "contains": ""})
    assert page.status_code == 400 and "SELECT mine" in page.text and "does not run" in page.text


def test_a_job_is_begun_and_its_result_is_told(client: TestClient) -> None:
    begun = client.post("/console/jobs", data={"kind": "ingest", "source": "crm"}, follow_redirects=False)
    assert begun.headers["location"] == "/console/sources#jobs"
    job = client.get("/v1/admin/jobs").json()["jobs"][0]
    assert (job["kind"], job["sources"]) == ("ingest", ["crm"])
    client.get(f"/v1/admin/jobs/{job['id']}/events")  # to its end
    page = client.get("/console/sources").text
    assert "Ingest of crm" in page and "2 loaded" in page and "missing key" in page
    assert client.post("/console/jobs", data={"kind": "format"}).status_code == 400


def test_a_reindex_tells_what_its_golden_questions_said(monkeypatch: pytest.MonkeyPatch, client: TestClient) -> None:
    wrong = [{"id": "g7", "question": "Who owes <us>?", "path": "vector", "live": "wrong"}]
    golden = {"asked": 9, "right": 8, "wrong": wrong, "summary": "8 of 9 golden questions right; wrong: g7"}
    report = {"generation": "g2", "embedded": 5, "total": 5, "golden": golden}
    monkeypatch.setattr(FakeService, "reindex", lambda *_given, **_options: report)
    client.post("/console/jobs", data={"kind": "reindex"})
    job = client.get("/v1/admin/jobs").json()["jobs"][0]
    client.get(f"/v1/admin/jobs/{job['id']}/events")  # to its end
    soup = BeautifulSoup(client.get("/console/sources").text, "html.parser")
    (card,) = soup.select("ul.jobs > li")
    assert "generation g2 · 5 passages, 5 embedded · 8 of 9 golden questions right; wrong: g7" in card.get_text()
    (listed,) = card.select("details li")
    assert listed.get_text() == "Who owes <us>? g7; went vector; the index before: wrong"


def test_who_may_not_is_not_shown_the_way_and_refused(monkeypatch: pytest.MonkeyPatch, client: TestClient) -> None:
    only_ask = Scope(Scope.nothing("zoe").principal, {}, frozenset(), frozenset({"ask"}))
    monkeypatch.setattr(FakeService, "scope_for", lambda *_: only_ask)
    page = client.get("/").text
    assert "/console/sources" not in page and "/console/audit" not in page and "/console/drafts" in page
    assert "/console/feedback" not in page and client.get("/console/feedback").status_code == 403
    assert client.get("/console/sources").status_code == 403
    assert client.post("/console/jobs", data={"kind": "reindex"}).status_code == 403
    assert client.get("/v1/admin/jobs").status_code == 403
    assert 'name="action"' not in client.get("/console/drafts/d1").text


def test_pages_may_be_framed_by_whom_the_settings_name_only() -> None:
    console = ConsoleSettings(frame_origins=("https://crm.example", "https://*.other.example"))
    client = TestClient(create_app(FakeService(), browsers=Browsers(console)))
    policy = client.get("/").headers["content-security-policy"]
    assert "frame-ancestors https://crm.example https://*.other.example;" in policy
    for bad in ("crm.example", "https://crm.example/path", "https://x 'unsafe-inline'", "*", "https://a;script-src *"):
        with pytest.raises(ValueError, match="frame_origins"):
            ConsoleSettings(frame_origins=(bad,))


def test_style_and_scripts_are_kept_for_good_under_a_version(client: TestClient) -> None:
    page = client.get("/").text
    for address in re.findall(r'"(/console/static/[^"]+)"', page):
        reply = client.get(address)
        assert reply.status_code == 200 and "immutable" in reply.headers["cache-control"]
    assert client.get("/console/static/old/console.css").status_code == 404
    assert client.get(f"/console/static/{assets.version()}/..%2frendering.py").status_code == 404


def test_a_page_weighs_less_than_300_kb(client: TestClient) -> None:
    style_and_scripts = sum(len(content) for content in assets.files().values())
    assert len(client.get("/").content) + style_and_scripts < 100_000


def test_the_wheel_holds_templates_and_static_files() -> None:
    builder = WheelBuilder(str(ROOT))
    held = {file.distribution_path for file in builder.recurse_included_files()}
    folder = ROOT / "api" / "console"
    wanted = {
        path.relative_to(ROOT).as_posix() for kind in ("templates", "static") for path in (folder / kind).iterdir()
    }
    assert len(wanted) > 20 and wanted <= held
