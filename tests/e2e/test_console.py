"""The console in a real browser: signing in, asking, citations, a draft to its export; and who sees none of it."""

from __future__ import annotations

import email
import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.provider import PASSWORD
from tests.e2e.conftest import Served

FLAGSHIP = "Which enterprise customers in EMEA are at risk of leaving, why, and draft a retention e-mail for each?"
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
WATCH = """
window.seen = {};
const note = (name) => { window.seen[name] ??= performance.now(); };
new MutationObserver(() => {
  const live = document.querySelector("[data-live]");
  if (live && live.textContent) { note("sentence"); window.seen.text ??= live.textContent; }
  if (document.querySelector("[data-answer]")) note("answer");
}).observe(document, { childList: true, subtree: true });
document.addEventListener("submit", () => { window.seen = { asked: performance.now() }; }, true);
"""


def signed_in(chromium: Any, served: Served, user: str, path: str = "/", **options: Any) -> Any:
    """A page of a new browser context, `user` signed in by the provider's own page."""
    context = chromium.new_context(**options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(served.url + path)
    page.get_by_role("link", name=re.compile("Sign in with")).click()
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(served.url + path)
    return page


def ask(page: Any, question: str) -> Any:
    """Ask by keyboard; the answer."""
    box = page.get_by_label("Question", exact=True)
    box.wait_for()
    page.wait_for_load_state()  # before its script is there, Enter is a new line
    answers = page.locator("[data-answer]")
    before = answers.count()
    box.fill(question)
    page.keyboard.press("Enter")
    answers.nth(before).wait_for()
    return answers.nth(before)


def test_from_sign_in_to_an_exported_draft_and_another_region_sees_none_of_it(
    chromium: Any, served: Served, tmp_path: Path
) -> None:
    page = signed_in(chromium, served, "erin", "/console/drafts")
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    assert page.get_by_text("No drafts here yet").is_visible()
    page.get_by_role("link", name="Ask", exact=True).click()

    answer = ask(page, FLAGSHIP)
    seen = page.evaluate("() => window.seen")
    assert seen["asked"] < seen["sentence"] <= seen["answer"] and "churn risk" in seen["text"]
    names = [text.split(":")[0] for text in answer.locator("li.entity > p:first-child").all_inner_texts()]
    names = names or [text.split(":")[0] for text in answer.locator("li.entity").all_inner_texts()]
    assert len(names) > 5

    mark = answer.get_by_role("link", name="Source 4", exact=True).first
    mark.focus()
    page.keyboard.press("Enter")
    peek = page.get_by_role("dialog", name="Source")
    peek.locator("tr.hit").wait_for()
    assert "Renewal date" in peek.locator("tr.hit").inner_text()
    page.keyboard.press("Escape")
    assert peek.is_hidden() and page.evaluate("() => document.activeElement.className") == "mark"
    step = answer.locator("li li", has_text="To do:").first.locator("a.mark").first
    step.hover()
    page.locator(".peek mark").wait_for()
    assert "playbook" in peek.inner_text().lower()

    follow = ask(page, "Only those in Germany")
    assert page.locator(".carried span").last.inner_text() and follow.is_visible()

    answer.get_by_role("link", name="Open the draft").first.click()
    text = page.get_by_label("Text")
    approve = page.get_by_role("button", name="Approve")
    page.get_by_text("Everything in it has its source").wait_for()
    was = text.input_value()
    text.fill(was + "\n\nWe guarantee you a 50 percent discount.")
    page.locator(".findings li").first.wait_for()
    assert approve.is_disabled()
    text.fill(was.replace("Kind regards", "With kind regards"))
    page.get_by_text("Everything in it has its source").wait_for()
    approve.click()
    page.get_by_text("Approved. It can be exported now.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export .eml").click()
    message = email.message_from_bytes(Path(download.value.path()).read_bytes())
    assert message["To"] and message["X-Tower-Draft"] and download.value.suggested_filename.endswith(".eml")
    draft, kept = page.url.split("?")[0], served.url + "/console/answers/" + str(answer_id(page))
    assert faults == []

    other = signed_in(chromium, served, "kenji", "/console/drafts")
    assert other.get_by_text("No drafts here yet").is_visible()
    for address in (draft, kept, f"{draft}/citations/1"):
        assert other.goto(address).status == 404
    for path in ("/console/at-risk?show=all", "/console/examples", "/"):
        other.goto(served.url + path)
        assert [name for name in names if name in other.locator("main").inner_text()] == []
    told = ask(other, FLAGSHIP).inner_text()
    assert [name for name in names if name in told] == []
    for path in ("/console/sources", "/console/audit"):
        assert other.goto(served.url + path).status == 403
    other.get_by_role("button", name="Sign out").click()
    other.get_by_text("You are signed out.").wait_for()
    assert other.goto(served.url + "/").url.startswith(served.url + "/console/sign-in")
    page.context.close()
    other.context.close()


def answer_id(page: Any) -> str:
    """The id of the answer that a draft came with."""
    href = page.get_by_role("link", name="The answer it came with").get_attribute("href")
    return str(href).rsplit("/", 1)[1]


def test_a_no_with_what_is_right_becomes_a_golden_question_after_review(chromium: Any, served: Served) -> None:
    page = signed_in(chromium, served, "erin")
    answer = ask(page, "How many customers do we have in EMEA?")
    no = answer.get_by_role("button", name="No", exact=True)
    no.focus()
    page.keyboard.press("Enter")
    answer.get_by_label("What is wrong or missing").wait_for()
    assert page.evaluate("() => document.activeElement.name") == "comment"
    page.keyboard.type("Say it in words, too")
    answer.get_by_label("What a right answer says").fill("290")
    answer.get_by_role("button", name="Send").click()
    answer.get_by_text("It waits for a reviewer").wait_for()
    follow = ask(page, "And in APAC?")  # the page goes on
    follow.get_by_role("button", name="Yes", exact=True).click()
    follow.get_by_text("noted as right").wait_for()
    assert page.goto(served.url + "/console/feedback").status == 403
    page.context.close()

    reviewer = signed_in(chromium, served, "ada", "/console/feedback", viewport=PHONE)
    word = reviewer.locator("article", has_text="How many customers do we have in EMEA?")
    assert "Say it in words, too" in word.inner_text() and "erin" in word.inner_text()
    assert word.get_by_label("Texts that the answer must hold").input_value() == "290"
    word.get_by_role("button", name="Accept").click()
    reviewer.get_by_text("it is a golden question now").wait_for()
    other = reviewer.locator("article")
    other.locator("summary", has_text="Dismiss").click()
    other.get_by_label("Reason").fill("known")
    other.get_by_role("button", name="Dismiss this").click()
    reviewer.get_by_text("Nothing open").wait_for()
    reviewer.context.close()


def test_questions_are_answered_while_a_reindex_runs(chromium: Any, served: Served) -> None:
    page = signed_in(chromium, served, "ada", "/console/sources")
    page.get_by_role("button", name="Reindex").click()
    page.locator("#jobs .state").first.wait_for()
    asking = page.context.new_page()
    asking.goto(served.url + "/")
    assert "290" in ask(asking, "How many customers do we have in EMEA?").inner_text()
    page.locator("#jobs .state.done").first.wait_for(timeout=180_000)
    assert "generation g0002" in page.locator("#jobs li").first.inner_text()
    assert "SELECT" in ask(asking, "How many customers do we have in APAC?").locator("pre").first.text_content()
    page.context.close()


def test_without_scripts_the_pages_ask_and_show_sources(chromium: Any, served: Served) -> None:
    page = signed_in(chromium, served, "erin", java_script_enabled=False)
    page.get_by_label("Question", exact=True).fill("How many customers do we have by segment?")
    page.get_by_role("button", name="Ask").click()
    answer = page.url
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_label("What is wrong or missing").fill("By country, please")
    page.get_by_role("button", name="Send").click()
    assert page.get_by_text("It waits for a reviewer").is_visible() and page.url != answer
    page.locator("[data-answer] .mark").first.click()
    assert page.get_by_role("heading", name="Source 1").is_visible()
    page.context.close()


def test_no_page_has_a_serious_fault_for_assistive_technology(chromium: Any, served: Served) -> None:
    """Each page by all of axe-core's rules, its colours once more in the dark; and on a phone nothing is too wide."""
    if not AXE.is_file():
        pytest.skip(f"axe-core is not there: run `npm ci` in tests/{AXE.parents[2].name}")
    page = signed_in(chromium, served, "ada", viewport=WIDE, bypass_csp=True)
    found = {"start": faults_of(page)}
    ask(page, "Draft a retention e-mail for the customer most at risk of churn")
    found["answer"] = faults_of(page)
    page.locator("[data-answer] .mark").first.click()
    page.locator(".peek .cited").wait_for()
    found["citation"] = faults_of(page)
    paths = ("at-risk", "drafts", "sources", "feedback", "audit?check=1", "answers/nothing")
    for path in paths:
        page.goto(f"{served.url}/console/{path}")
        found[path] = faults_of(page)
    page.goto(served.url + "/console/drafts")
    page.locator("a.cover").first.click()
    page.locator("[data-draft]").wait_for()
    found["draft"] = faults_of(page)
    page.goto(served.url + "/console/sign-in")
    found["sign-in"] = faults_of(page)
    assert {name: faults for name, faults in found.items() if faults} == {}
    page.context.close()


def test_only_an_allowed_origin_shows_the_pages_in_a_frame(chromium: Any, served: Served, framer: int) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://localhost:{framer}/?{served.url}/")
    link = page.frame_locator("iframe").get_by_role("link", name=re.compile("Sign in with"))
    link.wait_for()
    assert link.get_attribute("target") == "_blank"  # no provider lets itself be framed
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"http://127.0.0.1:{framer}/?{served.url}/", wait_until="networkidle")
    assert page.frame_locator("iframe").get_by_role("heading", name="Sign in").count() == 0
    assert any("frame-ancestors" in text for text in said)
    context.close()


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = (
    ("light", WIDE, {}),
    ("dark", WIDE, {"runOnly": ["color-contrast"]}),
    ("light", PHONE, None),
)


def faults_of(page: Any) -> list[str]:
    """Serious and critical faults of the page as it stands, and where it is wider than its window."""
    found = []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for colours, size, options in LOOKS:
        page.emulate_media(color_scheme=colours)
        page.set_viewport_size(size)
        checked = page.evaluate("(options) => axe.run(document, options)", options) if options is not None else {}
        for one in checked.get("violations", ()):
            if one["impact"] in ("serious", "critical"):
                found += [f"{colours} {one['id']}: {node['html'][:120]}" for node in one["nodes"]]
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [f"{wide} px too wide at {size['width']}"] if wide > 0 else []
    page.set_viewport_size(WIDE)
    return found
