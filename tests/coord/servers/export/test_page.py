"""The page in one file: its modules, its data, and its Content-Security-Policy."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from coord.servers.export.page import WEB, exported_page, modules

STATIC = WEB / "static"
EXPORTED = re.compile(r"^export (?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)


def site(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return folder


def test_imports_are_renamed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.js").write_text('import { c } from "../c.js";\nexport * from "./d.js";\n')
    (tmp_path / "a" / "d.js").write_text('export const d = () => import("../c.js");\n')
    files = modules(
        site(tmp_path, page='import * as b from "./a/b.js";\nimport "./c.js";\n', c="export const c = 2;\n")
    )
    assert list(files) == ["coord/page.js", "coord/a/b.js", "coord/c.js", "coord/a/d.js"]
    assert files["coord/page.js"] == 'import * as b from "coord/a/b.js";\nimport "coord/c.js";\n'
    assert files["coord/a/d.js"] == 'export const d = () => import("coord/c.js");\n'
    assert files["coord/a/b.js"] == 'import { c } from "coord/c.js";\nexport * from "coord/a/d.js";\n'


@pytest.mark.parametrize(
    "text", ['import c from "https://example.org/c.js";', "const c = await import(name);", 'import c from "c";']
)
def test_an_import_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="has an import of another form"):
        modules(site(tmp_path, page=f"{text}\n", c="export default 1;\n"))


@pytest.mark.parametrize(("name", "other"), [("api", "embedded"), ("stream", "embedded_stream")])
def test_a_replaced_module_has_the_same_functions(name: str, other: str) -> None:
    real, instead = (set(EXPORTED.findall((STATIC / "core" / f"{each}.js").read_text())) for each in (name, other))
    assert real <= instead


def test_the_data_cannot_end_its_script() -> None:
    page = exported_page({"x": "</script><script>alert(1)</script>\u2028"}, "a </title><b>")
    assert "<script>alert" not in page
    assert "<title>a &lt;/title&gt;&lt;b&gt;</title>" in page


def test_the_policy_allows_what_is_in_the_file_and_no_network() -> None:
    page = exported_page({}, "title")
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert found
    assert "default-src 'none'" in found[1]
    assert "connect-src" not in found[1]
    for kind in (r"<style>(.*?)</style>", r'<script type="importmap">(.*?)</script>', r'<script type="module">(.*?)</'):
        (text,) = re.findall(kind, page, re.DOTALL)
        assert b64encode(sha256(text.encode()).digest()).decode() in found[1]
    assert page.index("Content-Security-Policy") < min(page.index("<style"), page.index("<script"))
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
