"""Decide whether a request may be answered, and set the headers of every answer. Nothing here reads a file.

The page is served to one user's browser. A page of another site, a name of another site that resolves to this machine,
a form, and a program without the key are refused:

- `Host` is one of the served names with the port. This refuses a site whose name resolves to 127.0.0.1 (DNS rebinding).
- `Origin`, if it is sent, is this page. `Sec-Fetch-Site`, if it is sent, is this page or a person's own action.
- The cookie is derived from the key of the server's address. Only what contains no data is served without it.
- A change needs a JSON body, which a form of another site cannot send.

A top-level navigation to `/` may come from elsewhere, such as a link in a terminal: that page contains no data, and the
browser sends no cookie with it.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from secrets import token_urlsafe

from msgspec import Struct

MAX_BODY = (1 << 20) + (64 << 10)
"""The bytes of the longest body: a text of 1 MiB, and the other fields."""

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
"""The headers of every answer."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""The names of this machine in an address."""

_WITHOUT_COOKIE = {("GET", "/"), ("GET", "/open"), ("POST", "/api/open")}


class Served(Struct, frozen=True):
    """What is served: the port, the names of this machine that a browser may use, and the key."""

    port: int
    key: str
    names: tuple[str, ...] = LOOPBACK

    @property
    def hosts(self) -> frozenset[str]:
        """The values of `Host` that are answered. Browsers leave out the port 80."""
        return frozenset([f"{name}:{self.port}" for name in self.names] + (list(self.names) if self.port == 80 else []))

    @property
    def address(self) -> str:
        """The address of the page, without the key."""
        return f"http://{self.names[0]}:{self.port}/"

    @property
    def address_with_key(self) -> str:
        """The address that opens the page. A browser does not send the part with the key to any server."""
        return f"{self.address}#key={self.key}"

    @property
    def cookie_name(self) -> str:
        """The name of the cookie. It contains the port, because browsers do not separate cookies by port."""
        return f"coord-{self.port}"

    @property
    def cookie(self) -> str:
        """The value of the cookie."""
        return hmac.new(self.key.encode(), f"cookie {self.port}".encode(), sha256).hexdigest()

    def is_key(self, key: str) -> bool:
        """Return whether this is the key, in constant time."""
        return hmac.compare_digest(key.encode(), self.key.encode())


class Request(Struct, frozen=True):
    """The parts of a request that are decided upon. The names of headers are in lower case."""

    method: str
    path: str
    headers: Sequence[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """Return the values of all headers of this name."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        """Return the value of a header; empty if it is missing, or sent more than once."""
        values = self.all(name)
        return values[0] if len(values) == 1 else ""


class Refusal(Struct, frozen=True):
    """Why a request is refused: the HTTP status, and the words for a person."""

    status: int
    message: str


def new_key() -> str:
    """Return a new key, of 256 random bits."""
    return token_urlsafe(32)


def has_cookie(served: Served, request: Request) -> bool:
    """Return whether the request has the cookie."""
    values = [
        value.strip()
        for header in request.all("cookie")
        for name, _, value in (part.partition("=") for part in header.split(";"))
        if name.strip() == served.cookie_name
    ]
    return len(values) == 1 and hmac.compare_digest(values[0].encode(), served.cookie.encode())


def refusal(served: Served, request: Request) -> Refusal | None:
    """Return why a request is refused, or None if it may be answered."""
    return next((refused for check in _CHECKS if (refused := check(served, request))), None)


def _check_host(served: Served, request: Request) -> Refusal | None:
    if request.one("host").lower() in served.hosts:
        return None
    return Refusal(403, f"this server answers only to {' and '.join(sorted(served.hosts))}.")


def _check_method(_served: Served, request: Request) -> Refusal | None:
    if request.method in ("GET", "POST"):
        return None
    return Refusal(405, "only GET and POST are answered.")


def _check_upgrade(_served: Served, request: Request) -> Refusal | None:
    if not request.all("upgrade") and not any(name.startswith("sec-websocket") for name, _ in request.headers):
        return None
    return Refusal(403, "WebSockets are not supported.")


def _check_origin(_served: Served, request: Request) -> Refusal | None:
    if all(origin == f"http://{request.one('host').lower()}" for origin in request.all("origin")):
        return None
    return Refusal(403, "a page of another site cannot use this server.")


def _check_site(_served: Served, request: Request) -> Refusal | None:
    if all(site in ("same-origin", "none") for site in request.all("sec-fetch-site")):
        return None
    if (request.method, request.path) == ("GET", "/") and request.one("sec-fetch-mode") == "navigate":
        return None if request.one("sec-fetch-dest") == "document" else _FRAMED
    return Refusal(403, "a page of another site cannot use this server. Open the address yourself.")


_FRAMED = Refusal(403, "a page of another site cannot show this page.")


def _check_cookie(served: Served, request: Request) -> Refusal | None:
    free = (request.method, request.path) in _WITHOUT_COOKIE
    if free or (request.method == "GET" and request.path.startswith("/static/")) or has_cookie(served, request):
        return None
    return Refusal(401, "open the address that `coord web` printed: it contains the key.")


def _check_body(_served: Served, request: Request) -> Refusal | None:
    if request.method != "POST":
        return None
    if request.one("content-type").partition(";")[0].strip().lower() != "application/json":
        return Refusal(415, "the body must be JSON.")
    length = request.one("content-length")
    if length and not (length.isascii() and length.isdigit() and len(length) < 20):
        return Refusal(400, "the length of the body is not a number.")
    return Refusal(413, too_long()) if length and int(length) > MAX_BODY else None


def too_long() -> str:
    """Return the message for a body that is too long."""
    return f"the body has more than {MAX_BODY} bytes. Nothing was done."


_CHECKS = (_check_host, _check_method, _check_upgrade, _check_origin, _check_site, _check_cookie, _check_body)
"""The checks, in their order: `Host` is first, so that no other site learns anything."""
