import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.http.paging import page
from index.errors import UsageError
from tests.api.fake import FakeDrafts, FakeService, draft


def test_pages_put_together_are_the_whole_list() -> None:
    entries, seen, after = list("abcdefg"), [], ""
    while True:
        part, more = page(entries, 3, after, str)
        seen += part
        if not more:
            break
        after = more["next"]
    assert seen == entries


def test_a_page_after_something_that_is_gone_is_refused() -> None:
    with pytest.raises(UsageError, match="no entry 'z'"):
        page(list("abc"), 2, "z", str)


def test_drafts_come_in_pages() -> None:
    held = {f"d{n}": {**draft().model_dump(), "id": f"d{n}"} for n in range(5)}
    client = TestClient(create_app(FakeService(drafts=FakeDrafts(held))))
    first = client.get("/v1/drafts", params={"limit": 3}).json()
    assert ([d["id"] for d in first["drafts"]], first["next"]) == (["d0", "d1", "d2"], "d2")
    second = client.get("/v1/drafts", params={"limit": 3, "after": first["next"]}).json()
    assert [d["id"] for d in second["drafts"]] == ["d3", "d4"]
    assert "next" not in second
    assert client.get("/v1/drafts", params={"limit": 0}).status_code == 422
    assert client.get("/v1/drafts", params={"after": "gone"}).status_code == 400
