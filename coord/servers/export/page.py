"""Put the page and the data of a span into one HTML file that needs no server and no network.

The modules of the page stay modules: an import map gives each a name and its text as a data: URL. Two of them are
replaced, since there is no server: `core/api.js` by `core/embedded.js`, and `core/stream.js` by
`core/embedded_stream.js`. The file has a Content-Security-Policy that allows its own scripts and styles only.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from coord.render.format import json_text

WEB = Path(__file__).resolve().parent.parent / "web"
_REPLACED = {"core/api.js": "core/embedded.js", "core/stream.js": "core/embedded_stream.js"}
_IMPORT = re.compile(
    r'(^(?:import|export)\b[^"\';]*?(?:\bfrom\s*)?|\bimport\()(["\'])(\.{1,2}/[^"\']+)\2(?=[;)])', re.MULTILINE
)
_IMPORT_WORD = re.compile(r"^\s*(?:import\b|export\s*(?:\*|\{[^}]*\}\s*from\b))|\bimport\s*[(.]", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)\n?", re.DOTALL | re.MULTILINE)
_STYLE = re.compile(r'[ \t]*<link rel="stylesheet" href="/static/([^"]+)">\n')
_SCRIPT = re.compile(r'[ \t]*<script type="module" src="/static/page.js"></script>\n')
_ICON = 'href="/static/icon.svg"'
_NO_SCRIPT = re.compile(r"<noscript>.*?</noscript>", re.DOTALL)


def exported_page(data: Mapping[str, Any], title: str) -> str:
    """Return the page as one HTML file with this data."""
    files = modules(WEB / "static")
    page = (WEB / "templates" / "page.html").read_text(encoding="utf-8")
    texts = [(WEB / "static" / name).read_text(encoding="utf-8") for name in _STYLE.findall(page)]
    styles = "\n".join(texts).replace("</", "<\\/")
    import_map = _inline({"imports": {name: _data_url("text/javascript", text) for name, text in files.items()}})
    entry = 'import "coord/page.js";'
    policy = (
        f"default-src 'none'; script-src {_hash(import_map)} {_hash(entry)} data:; style-src {_hash(styles)};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
    head = (
        f'  <meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"  <style>{styles}</style>\n"
        f'  <script type="importmap">{import_map}</script>\n'
        f'  <script type="application/json" id="data">{_inline(data)}</script>\n'
        f'  <script type="module">{entry}</script>\n'
    )
    icon = _data_url("image/svg+xml", (WEB / "static" / "icon.svg").read_text(encoding="utf-8"))
    page = _once(_SCRIPT, _STYLE.sub("", page), lambda: "")
    page = _once(re.compile(r'  <meta charset="utf-8">\n'), page, lambda: f'  <meta charset="utf-8">\n{head}')
    page = _once(_NO_SCRIPT, page, lambda: "<noscript><p>This page needs JavaScript.</p></noscript>")
    page = _once(re.compile(r"<title>.*?</title>"), page, lambda: f"<title>{_escape(title)}</title>")
    page = _once(re.compile(re.escape(_ICON)), page, lambda: f'href="{icon}"')
    if left := re.findall(r'(?:src|href)="/[^"]*"', page):
        raise ValueError(f"the page loads {left[0]}, which the exported page does not contain")
    return page


def modules(static: Path, entry: str = "page.js") -> dict[str, str]:
    """Return the text of each module that the page imports, by its name, `coord/PATH`, which imports use as well.

    Raises ValueError for an import of another form than `from "./PATH";` and `import("./PATH")`.
    """
    files: dict[str, str] = {}
    wanted = [entry]
    for name in wanted:
        other = _REPLACED.get(name, name)
        files[f"coord/{name}"], imported = _renamed((static / other).read_text(encoding="utf-8"), other)
        wanted += [each for each in imported if each not in wanted]
    return files


def _renamed(text: str, name: str) -> tuple[str, list[str]]:
    """Return the text of a module with the new names of what it imports, and the paths of these modules."""
    imported: list[str] = []

    def rename(match: re.Match[str]) -> str:
        imported.append(_resolved(PurePosixPath(name).parent / match[3]))
        return f"{match[1]}{match[2]}coord/{imported[-1]}{match[2]}"

    code = _COMMENT.sub("", text)
    renamed = _IMPORT.sub(rename, code)
    if len(imported) != len(_IMPORT_WORD.findall(code)):
        raise ValueError(f'{name} has an import of another form than `from "./PATH";` and `import("./PATH")`')
    return renamed, list(dict.fromkeys(imported))


def _resolved(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _once(what: re.Pattern[str], page: str, text: Any) -> str:
    page, count = what.subn(lambda _: text(), page)
    if count != 1:
        raise ValueError(f"page.html has {count} places for {what.pattern}, not one")
    return page


def _inline(data: object) -> str:
    """Return a JSON text that can be inside a <script> element, whatever it contains."""
    text = json_text(data, indent=None)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _data_url(kind: str, text: str) -> str:
    return f"data:{kind};charset=utf-8,{quote(text, safe='')}"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
