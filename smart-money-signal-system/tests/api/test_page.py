import re
from importlib.resources import files

import httpx
import pytest

_PAGE = files("signal_system.api") / "page"
OWN = sorted(file.name for file in _PAGE.iterdir() if file.name.endswith((".js", ".css", ".html")))


async def test_the_page_is_served_under_a_policy_that_admits_only_its_own_files(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.get("/")

    policy = answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("name", OWN)
def test_no_file_of_the_page_reaches_out_or_needs_an_inline_script(name: str) -> None:
    text = (_PAGE / name).read_text()

    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", text)) - {"http://www.w3.org/2000/svg"}
    assert not addresses
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=\"|style=\"|innerHTML", text)


async def test_everything_the_pages_name_is_served(api: httpx.AsyncClient) -> None:
    named = {
        name
        for path in ("/", "/docs")
        for name in re.findall(r"(?:src|href)=\"(/assets/[^\"]+)\"", (await api.get(path)).text)
    }
    imported = {
        f"/assets/{name}"
        for file in OWN
        for name in re.findall(r"from \"\./([\w.]+)\"", (_PAGE / file).read_text())
    }

    for path in named | imported:
        assert (await api.get(path)).status_code == 200, path
    assert "/assets/swagger-ui-bundle.js" in named


async def test_a_browser_asks_for_an_unchanged_file_once(api: httpx.AsyncClient) -> None:
    first = await api.get("/assets/app.js")

    again = await api.get("/assets/app.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["..%2fweb.py", "__init__.py", "%2e%2e/web.py", "app.js%00"])
async def test_nothing_but_the_page_can_be_read(api: httpx.AsyncClient, name: str) -> None:
    assert (await api.get(f"/assets/{name}")).status_code == 404


async def test_the_reference_describes_the_documents_by_their_published_schema(
    api: httpx.AsyncClient,
) -> None:
    described = (await api.get("/openapi.json")).json()

    def answer(path: str) -> str:
        content = described["paths"][path]["get"]["responses"]["200"]["content"]
        ref: str = content["application/json"]["schema"]["$ref"]
        return ref.rpartition("/")[2]

    assert answer("/api/v1/signals") == "SignalList"
    assert answer("/api/v1/signals/{coin}") == "SignalSchema"
    assert answer("/api/v1/signals/{coin}/history") == "SignalPage"
    assert "cost_to_flip_usd" in described["components"]["schemas"]["SignalSchema"]["properties"]


async def test_the_reference_documents_errors_in_the_shape_they_have(
    api: httpx.AsyncClient,
) -> None:
    described = (await api.get("/openapi.json")).json()

    for path, methods in described["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and path != "/health/ready":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema["$ref"].endswith("/ErrorDocument"), (path, status)
