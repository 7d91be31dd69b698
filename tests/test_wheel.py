"""The wheel contains COORDINATION/ as data, and `coord init` works from an installed wheel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


def test_the_wheel_has_the_files_of_init_and_py_typed(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]
    built, site, repository = tmp_path / "wheel", tmp_path / "site", tmp_path / "repository"
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(ROOT)], check=True
    )
    (wheel,) = built.iterdir()
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    assert all((site / package / "py.typed").is_file() for package in ("coord", "eventlog", "projections"))
    page = Path("coord", "servers", "web")
    for part in ("static", "templates"):
        files = {path.relative_to(ROOT) for path in (ROOT / page / part).rglob("*") if path.is_file()}
        assert files
        assert all((site / file).read_bytes() == (ROOT / file).read_bytes() for file in files)
    repository.mkdir()
    env = os.environ | {"PYTHONPATH": str(site)}
    where = [sys.executable, "-P", "-c", "import coord; print(coord.__file__)"]
    assert str(site) in subprocess.run(where, env=env, capture_output=True, text=True, check=True).stdout
    subprocess.run([sys.executable, "-P", "-m", "coord", "init"], cwd=repository, env=env, check=True)
    source = ROOT / "COORDINATION"
    installed = repository / "COORDINATION"
    names = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    names -= {Path("log/.lock")}
    assert {Path("config.toml"), Path("QUICK_START.md"), Path(".gitignore")} <= names
    assert len([name for name in names if name.suffix == ".sh"]) == 8
    for name in names:
        assert (installed / name).read_bytes() == (source / name).read_bytes()
    assert all(os.access(installed / name, os.X_OK) for name in names if name.suffix == ".sh")
