"""The house holds where import contracts cannot look."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from connector.billing import BILLINGS
from connector.crm import CRMS
from connector.sync import USE_CASES
from connector.targets import TargetKind

ROOT = Path(__file__).parent.parent
SIX = {"__init__.py", "client.py", "translate.py", "webhook.py", "settings.py", "README.md"}
FOLDERS = [ROOT / "connector" / "crm" / name for name in CRMS] + [ROOT / "connector" / "billing" / n for n in BILLINGS]
SOURCES = sorted(p for top in ("connector", "mappings", "webhooks") for p in (ROOT / top).rglob("*.py"))
OURS = [p for p in SOURCES if not {"sandbox", "demo"} & set(p.parts)]  # those two play the world outside


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_provider_has_the_same_six_files(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} >= SIX


@pytest.mark.parametrize("name", CRMS)
def test_every_crm_ships_a_default_mapping(name: str) -> None:
    mapping = tomllib.loads((ROOT / "mappings" / "defaults" / f"{name}.toml").read_text(encoding="utf-8"))
    assert mapping["crm"] == name


def test_every_kind_of_target_has_its_use_case() -> None:
    assert set(USE_CASES) == set(TargetKind)


def test_no_code_outside_a_providers_folder_asks_which_provider_it_is() -> None:
    names = "|".join([*CRMS, *BILLINGS])
    asking = re.compile(rf"(==|!=|\bin)\s*\(?[\"']({names})[\"']")
    guilty = [
        str(path.relative_to(ROOT))
        for path in OURS
        if not any(folder in path.parents for folder in FOLDERS)
        if asking.search(path.read_text(encoding="utf-8"))
    ]
    assert guilty == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_what_it_is_for(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not source.strip() or ast.get_docstring(ast.parse(source))


def test_no_source_or_document_names_a_machine_or_an_index() -> None:
    words = re.compile(r"(?<![\w.])/(tmp|root|home|work|opt)/|index.url|trusted.host")
    files = [*SOURCES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "constraints.txt", ROOT / "Makefile"]
    guilty = [str(path.relative_to(ROOT)) for path in files if words.search(path.read_text(encoding="utf-8"))]
    assert guilty == []


def test_every_dependency_is_pinned_for_whoever_installs() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[\w.!+]+", line) for line in lines)
