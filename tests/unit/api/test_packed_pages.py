"""The pages are in the wheel: who installs tongdai needs no Node."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from setuptools import Distribution  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "src" / "tongdai" / "api" / "pages"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of setuptools-rust
def test_every_file_of_the_pages_is_packed(monkeypatch):
    monkeypatch.chdir(ROOT)
    distribution = Distribution()
    distribution.parse_config_files(["pyproject.toml"])
    build = distribution.get_command_obj("build_py")
    build.ensure_finalized()
    found = build.get_data_files_without_manifest()
    packed = {Path(place, name).resolve() for _, place, _, names in found for name in names}
    scripts = re.findall(r'(?:src|href)="/([^"]+)"', (PAGES / "index.html").read_text())
    assert any(name.endswith(".js") for name in scripts)
    assert {PAGES / name for name in scripts} <= packed, "what the first page asks for"
    assert {x for x in PAGES.rglob("*") if x.is_file() and ".vite" not in x.parts} <= packed
