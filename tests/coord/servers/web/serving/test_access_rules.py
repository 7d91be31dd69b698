"""Which requests to the page may be answered: the rules, tried with every combination of headers."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coord.servers.web.access.rules import HEADERS, MAX_BODY, Request, Served, has_cookie, new_key, refusal

SERVED = Served(8123, "k" * 43)
COOKIE = f"coord-8123={SERVED.cookie}"
HOSTS = [
    "127.0.0.1:8123",
    "localhost:8123",
    "[::1]:8123",
    "LOCALHOST:8123",
    "127.0.0.1",
    "localhost",
    "rebound.example",
]
HOSTS += ["127.0.0.1:8124", "rebound.example:8123", "127.0.0.1:8123.rebound.example", "", "127.0.0.1:8123 "]
ORIGINS = ["http://127.0.0.1:8123", "http://localhost:8123", "http://127.0.0.1:8124", "https://127.0.0.1:8123"]
ORIGINS += ["http://site.example", "null", "", "http://127.0.0.1:8123.site.example"]
SITES = ["same-origin", "none", "same-site", "cross-site", "", "Same-Origin"]
COOKIES = [COOKIE, f"a=b; {COOKIE}", f"{COOKIE}; {COOKIE}", "coord-8123=", "coord-8123", f"coord-8124={SERVED.cookie}"]
COOKIES += [f"coord-8123={Served(8123, 'x' * 43).cookie}", f"coord-8123={Served(8124, 'k' * 43).cookie}", COOKIE[:-1]]
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", ""]
PATHS = ["/", "/plain", "/open", "/api/open", "/api/moment", "/api/act", "/static/page.js", "/static/../api/moment"]
PATHS += ["/static", "//", "/api/open/", "/staticx", ""]
TYPES = ["application/json", "application/json; charset=utf-8", "text/plain", "", "application/x-www-form-urlencoded"]
TYPES += ["multipart/form-data", "application/jsonx"]


def headers(name: str, values: list[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """None, one or two headers of this name."""
    return st.lists(st.tuples(st.just(name), st.sampled_from(values)), max_size=2)


REQUESTS = st.builds(
    lambda method, path, *lists: Request(method, path, [pair for pairs in lists for pair in pairs]),
    st.sampled_from(METHODS),
    st.sampled_from(PATHS),
    headers("host", HOSTS),
    headers("origin", ORIGINS),
    headers("sec-fetch-site", SITES),
    headers("sec-fetch-mode", ["navigate", "cors", "no-cors", "websocket"]),
    headers("sec-fetch-dest", ["document", "iframe", "empty"]),
    headers("cookie", COOKIES),
    headers("content-type", TYPES),
    headers("content-length", ["0", str(MAX_BODY), str(MAX_BODY + 1), "-1", "1e3", "9" * 30]),
    headers("upgrade", ["websocket", "h2c"]),
)


def likely(request: Request, change: Request) -> Request:
    """An allowed request with some headers of another one, so that most examples differ in one or two places."""
    names = {name for name, _ in change.headers}
    return Request(
        request.method, request.path, [pair for pair in request.headers if pair[0] not in names] + list(change.headers)
    )


GOOD = Request("POST", "/api/act", [("host", HOSTS[0]), ("cookie", COOKIE), ("content-type", TYPES[0])])


@given(st.one_of(REQUESTS, REQUESTS.map(lambda request: likely(GOOD, Request("", "", request.headers[:2])))))
def test_a_request_is_allowed_only_if_every_rule_holds(request: Request) -> None:
    if refusal(SERVED, request) is not None:
        return
    (host,) = request.all("host")
    assert host.lower() in ("127.0.0.1:8123", "localhost:8123", "[::1]:8123")
    assert request.method in ("GET", "POST")
    assert all(origin == f"http://{host.lower()}" for origin in request.all("origin"))
    foreign = {*request.all("sec-fetch-site")} - {"same-origin", "none"}
    assert not foreign or (request.method, request.path, request.one("sec-fetch-dest")) == ("GET", "/", "document")
    assert not request.all("upgrade")
    is_free = request.path in ("/", "/open") or request.path.startswith("/static/")
    if request.method == "POST":
        assert request.one("content-type").partition(";")[0] == "application/json"
        assert all(int(length) <= MAX_BODY for length in request.all("content-length")[:1])
        is_free = request.path == "/api/open"
    assert is_free or request.all("cookie") in ([COOKIE], [f"a=b; {COOKIE}"]) or has_cookie(SERVED, request)


@pytest.mark.parametrize(("host", "path"), [*product(HOSTS[:4], ["/", "/plain", "/api/moment", "/static/page.js"])])
def test_the_own_page_may_read(host: str, path: str) -> None:
    own = [("host", host), ("cookie", COOKIE), ("sec-fetch-site", "same-origin"), ("origin", f"http://{host.lower()}")]
    assert refusal(SERVED, Request("GET", path, own)) is None


def test_the_own_page_may_change() -> None:
    assert refusal(SERVED, GOOD) is None


@pytest.mark.parametrize(
    ("name", "values", "status"),
    [
        ("host", ["rebound.example:8123"], 403),
        ("host", [], 403),
        ("host", [HOSTS[0], HOSTS[0]], 403),
        ("origin", ["http://site.example"], 403),
        ("origin", ["http://127.0.0.1:8123", "null"], 403),
        ("sec-fetch-site", ["cross-site"], 403),
        ("sec-fetch-site", ["same-site"], 403),
        ("upgrade", ["websocket"], 403),
        ("sec-websocket-key", ["x"], 403),
        ("cookie", [], 401),
        ("cookie", ["coord-8123=x"], 401),
        ("content-type", ["text/plain"], 415),
        ("content-type", [], 415),
        ("content-type", [TYPES[0], TYPES[0]], 415),
        ("content-length", [str(MAX_BODY + 1)], 413),
        ("content-length", ["1e3"], 400),
    ],
)
def test_each_rule_refuses(name: str, values: list[str], status: int) -> None:
    headers = [pair for pair in GOOD.headers if pair[0] != name] + [(name, value) for value in values]
    refused = refusal(SERVED, Request("POST", "/api/act", headers))
    assert refused
    assert refused.status == status


def test_a_link_elsewhere_may_open_the_page_but_not_frame_it() -> None:
    link = [("host", HOSTS[0]), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]
    assert refusal(SERVED, Request("GET", "/", [*link, ("sec-fetch-dest", "document")])) is None
    for dest, path in (("iframe", "/"), ("document", "/plain"), ("document", "/open"), ("document", "/api/moment")):
        refused = refusal(SERVED, Request("GET", path, [*link, ("sec-fetch-dest", dest), ("cookie", COOKIE)]))
        assert refused, (dest, path)
        assert refused.status == 403


def test_the_port_80_may_be_left_out() -> None:
    served = Served(80, "k" * 43)
    for host in ("127.0.0.1", "127.0.0.1:80"):
        assert refusal(served, Request("GET", "/", [("host", host)])) is None
    assert refusal(served, Request("GET", "/", [("host", "site.example")])) is not None


@given(st.text(), st.text(alphabet="abc=;, \x00é", max_size=30))
def test_no_other_cookie_is_the_cookie(value: str, junk: str) -> None:
    for text in (f"coord-8123={value}", junk, f"coord-8123={SERVED.cookie}{junk}"):
        request = Request("GET", "/api/moment", [("cookie", text)])
        values = [part.partition("=")[2].strip() for part in text.split(";") if part.strip().startswith("coord-8123=")]
        assert has_cookie(SERVED, request) == (values == [SERVED.cookie])


def test_keys_and_cookies_differ() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) >= 43 for key in keys)
    cookies = {Served(port, key).cookie for port in (1, 2) for key in keys}
    assert len(cookies) == 200
    assert not any(key in cookie for key in keys for cookie in cookies)


def test_the_content_policy_allows_no_inline_script() -> None:
    policy = HEADERS["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert not any(word in policy for word in ("unsafe", "*", "http:", "https:", "blob:", "nonce"))
    assert "frame-ancestors 'none'" in policy
