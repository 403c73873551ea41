"""``connector mapping``: an admin looks at a mapping, tries a change of it, keeps it, uses it and takes it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from connector.sync.bill_deal import bill_deal
from connector.targets import TargetKind, for_record
from mappings.load import default_text, load
from tests.e2e.book import SEATS, a_sale
from tests.e2e.command_line import run, run_in
from tests.e2e.world import World

pytestmark = pytest.mark.slow

WHY = ("--why", "the legal name goes on invoices", "--by", "ada")


@pytest.fixture
def world(world_set_up: World) -> Iterator[World]:
    """A world whose mappings are those we ship, whatever a test did before; its versions stay."""
    yield world_set_up
    for crm in ("salesforce", "hubspot"):
        assert run_in(world_set_up, "mapping", "activate", crm, "0", *WHY).exit_code == 0


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The shipped HubSpot mapping, in which the deal's name is made of two fields and one field is read no more."""
    return _file(tmp_path, _changed())


def _changed(company: str = "{company.name}") -> str:
    text = default_text("hubspot")
    before = '[[deal]]\ncanonical = "deal.name"\n'
    start = text.index(before)
    end = text.index("[[", start + 2)
    rule = (
        f'{before}transform = "template"\nargs = {{ template = "{company}: {{deal.dealname}}" }}\nrequired = true\n\n'
    )
    return text[:start] + rule + text[end:]


def _file(directory: Path, content: str | bytes, name: str = "mapping.toml") -> Path:
    file = directory / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def mapping(world: World, *arguments: str) -> Result:
    return run_in(world, "mapping", *arguments)


def told(world: World, *arguments: str) -> Any:
    return json.loads(mapping(world, *arguments, "--json").stdout)


def saved(world: World, file: Path, crm: str = "hubspot") -> str:
    return str(told(world, "save", crm, str(file), *WHY)["version"])


def active(world: World, crm: str = "hubspot") -> int:
    (version,) = [each["version"] for each in told(world, "show", crm, "--versions") if each["active"]]
    return int(version)


# --- Looking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
def test_what_we_ship_fits_an_org_that_was_set_up(world: World, crm: str) -> None:
    check = mapping(world, "check", crm)

    assert check.exit_code == 0
    assert [finding for finding in told(world, "check", crm) if finding["serious"]] == []


def test_export_writes_what_import_and_show_understand(world: World, tmp_path: Path) -> None:
    """What we ship keeps its comments; a version is the same mapping again."""
    file = tmp_path / "exported.toml"
    shown = mapping(world, "export", "hubspot")
    written = mapping(world, "export", "hubspot", "shipped", "--output", str(file))

    assert shown.output == default_text("hubspot") == file.read_text()
    assert str(file) in written.output
    version = told(world, "import", str(file), *WHY)["version"]
    again = mapping(world, "export", "hubspot", str(version)).output
    assert {**told(world, "show", "hubspot", str(version)), "version": 0} == told(world, "show", "hubspot", "shipped")
    assert load(again).deal == load(default_text("hubspot")).deal


def test_export_to_where_nothing_can_be_written_is_told(world: World, tmp_path: Path) -> None:
    nowhere = mapping(world, "export", "hubspot", "-o", str(tmp_path / "no such folder" / "mapping.toml"))
    directory = mapping(world, "export", "hubspot", "-o", str(tmp_path))

    assert (nowhere.exit_code, directory.exit_code) == (2, 2)
    assert "is a directory" in directory.stderr
    assert "cannot be written (No such file or directory)" in nowhere.stderr


def test_a_variant_that_we_ship_can_be_looked_at_by_its_name(world: World) -> None:
    assert "salesforce, as we ship it" in mapping(world, "show", "salesforce", "salesforce-cpq").output
    assert mapping(world, "export", "salesforce", "salesforce-cpq").output == default_text("salesforce-cpq")
    assert mapping(world, "diff", "salesforce", "salesforce-cpq").exit_code == 1


def test_diff_says_in_sentences_what_a_file_changes(world: World, changed: Path) -> None:
    said = mapping(world, "diff", "hubspot", str(changed))
    turned = told(world, "diff", "hubspot", str(changed), "shipped")
    none = mapping(world, "diff", "hubspot", "shipped")

    (sentence,) = said.output.splitlines()
    assert sentence.startswith("deal.name is read from the mapping itself as template")
    assert "was deal.dealname" in sentence
    assert said.exit_code == 1
    assert [one.startswith("deal.name is read from deal.dealname") for one in turned["differences"]] == [True]
    assert (none.exit_code, none.output) == (0, "They read and write exactly alike.\n")


def test_check_names_each_mistake_of_a_file_with_its_hint(world: World, tmp_path: Path) -> None:
    file = _file(tmp_path, _changed("{company.nmae}"))
    said = mapping(world, "check", "hubspot", str(file))
    (finding,) = [each for each in told(world, "check", "hubspot", str(file)) if each["serious"]]

    assert said.exit_code == 1
    assert finding["id"] == "mapping-unknown-field"
    assert finding["where"] == "company.nmae"
    assert "company has no field nmae that we can see" in finding["sentence"]
    assert f"wrong  {finding['sentence']} [mapping-unknown-field]\n       hint: {finding['hint']}\n" in said.output
    assert "1 mistake," in said.output


# --- Trying ---------------------------------------------------------------------------------------------------------


def test_preview_shows_what_would_differ_from_what_was_billed_and_keeps_nothing(
    world: World, changed: Path, tmp_path: Path
) -> None:
    """One deal that is billed, one that is not yet; neither would be billed alike."""
    placed = world.place([a_sale("hubspot", name, (SEATS,)) for name in ("Preview billed", "Preview waits")])
    world.win(placed)
    bill_deal(str(placed[0].deal), world.services)
    before = world.control.get("/log")["counts"]["stripe"]

    said = mapping(world, "preview", "hubspot", str(changed))
    deals = {each["deal"]: each for each in told(world, "preview", "hubspot", str(changed), "--last", "2")}
    same = mapping(world, "preview", "hubspot", "shipped")

    assert said.exit_code == 1
    assert set(deals) == {str(one.deal) for one in placed}
    assert [deals[str(one.deal)]["billed"] for one in placed] == [True, False]
    assert all(deal["standing"] == "differs" for deal in deals.values())
    assert "2 would differ" in said.output
    assert f"{placed[0].deal} " in said.output
    assert (same.exit_code, "2 would be billed exactly so" in same.output) == (0, True)
    after = world.control.get("/log")["counts"]["stripe"]
    assert {name: times for name, times in after.items() if name.startswith("POST")} == {
        name: times for name, times in before.items() if name.startswith("POST")
    }
    assert active(world) == 0


def test_preview_without_a_won_deal_says_so(untouched_world: World) -> None:
    said = run_in(untouched_world, "mapping", "preview", "salesforce", "salesforce-cpq")

    assert (said.exit_code, said.output) == (0, "There are no won deals to try it on.\n")


# --- Keeping, using, taking back ------------------------------------------------------------------------------------


def test_a_mapping_is_saved_used_and_taken_back_and_its_history_says_by_whom_and_why(
    world: World, changed: Path
) -> None:
    kept = mapping(world, "save", "hubspot", str(changed), *WHY)
    version = active_after = str(told(world, "show", "hubspot", "--versions")[0]["version"])

    assert kept.output.startswith(f"Saved as version {version}.")
    assert f"connector mapping activate hubspot {version}" in kept.output
    assert active(world) == 0
    assert mapping(world, "activate", "hubspot", version, *WHY).output == f"In force for hubspot: version {version}.\n"
    assert mapping(world, "activate", "hubspot", version, *WHY).output.endswith("It was already.\n")
    assert active(world) == int(active_after)
    assert f"hubspot, version {version}: read from the CRM" in mapping(world, "show", "hubspot").output
    back = told(world, "rollback", "hubspot", "--why", "it reads badly", "--by", "bob")
    assert back == {"crm": "hubspot", "version": 0, "before": int(version), "looked_at_again": 0}
    listed = mapping(world, "show", "hubspot", "--versions").output
    assert "ada" in listed
    assert "the legal name goes on invoices" in listed


def test_a_mapping_with_a_mistake_is_neither_saved_nor_used_unless_one_insists(world: World, tmp_path: Path) -> None:
    wrong = str(_file(tmp_path, _changed("{company.nmae}")))
    refused = mapping(world, "save", "hubspot", wrong, *WHY)
    version = str(told(world, "save", "hubspot", wrong, "--force", *WHY)["version"])
    unused = mapping(world, "activate", "hubspot", version, *WHY)

    for one in (refused, unused):
        assert one.exit_code == 2
        assert "company has no field nmae" in one.stderr
        assert "--force" in one.stderr
    assert active(world) == 0
    assert mapping(world, "activate", "hubspot", version, "--force", *WHY).exit_code == 0
    assert active(world) == int(version)


def test_a_variant_that_we_ship_becomes_a_version_when_it_is_activated(world: World) -> None:
    """The sandbox has no CPQ package, so that its fields are missing: they are told, and it takes --force."""
    done = told(world, "activate", "salesforce", "--default", "salesforce-cpq", "--force", *WHY)
    shipped = told(world, "activate", "salesforce", "--default", "salesforce", *WHY)

    assert done["version"] > 0
    assert (shipped["version"], shipped["before"]) == (0, done["version"])
    newest = told(world, "show", "salesforce", "--versions")[0]
    assert newest["why"] == f"salesforce-cpq, as we ship it: {WHY[1]}"


def test_re_applying_marks_what_another_version_billed_and_says_how_much(world: World, changed: Path) -> None:
    """Without it nothing that is billed is looked at; with it, a change is proposed for approval, and not made."""
    (one,) = world.place([a_sale("hubspot", "Reapply", (SEATS,))])
    world.win([one])
    bill_deal(str(one.deal), world.services)
    bill_deal(str(one.deal), world.services)
    target = for_record(TargetKind.DEAL, one.deal)
    version = saved(world, changed)

    quietly = told(world, "activate", "hubspot", version, *WHY)
    with world.services.store.begin() as work:
        untouched = work.targets.start(target)
    loudly = told(world, "activate", "hubspot", version, "--reapply", *WHY)
    said = mapping(world, "activate", "hubspot", version, "--reapply", *WHY)

    assert (quietly["looked_at_again"], untouched) == (0, None)
    assert loudly["looked_at_again"] >= 1
    assert "billed deals are looked at again; what would change is proposed for approval" in said.output
    with world.services.store.begin() as work:
        assert work.targets.start(target) is not None
    subscription = world.shown(one, "subscription_id")
    bill_deal(str(one.deal), world.services)
    (waiting,) = [
        each for each in json.loads(run_in(world, "approvals", "--json").stdout) if each["deal"] == str(one.deal)
    ]
    assert waiting["round"] == 2
    assert world.shown(one, "subscription_id") == subscription


# --- What cannot be done --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "pipedrive"), "pipedrive is not connected"),
        (("show", "hubspot", "999"), "no version 999 of the hubspot mapping"),
        (("check", "hubspot", "no-such-file.toml"), "there is no such file"),
        (("check", "hubspot", "salesforce"), "there is no such file"),
        (("diff", "hubspot", "active", "12345678901234567890"), "there is no such file"),
        (("preview", "hubspot"), "Missing argument 'MAPPING'"),
        (("preview", "hubspot", "shipped", "--last", "0"), "Invalid value for '--last'"),
        (("save", "hubspot", "shipped"), "Missing option '--why'"),
        (("activate", "hubspot", *WHY), "Name a version, or one that we ship with --default."),
        (("activate", "hubspot", "1", "--default", "hubspot", *WHY), "Name a version, or one that we ship"),
        (("activate", "hubspot", "-1", *WHY), "No such option"),
        (("activate", "hubspot", "999", *WHY), "no version 999 of the hubspot mapping"),
        (
            ("activate", "hubspot", "--default", "salesforce-cpq", *WHY),
            "We ship no mapping 'salesforce-cpq' for hubspot",
        ),
        (("activate", "pipedrive", "0", *WHY), "pipedrive is not connected"),
        (("rollback", "pipedrive", *WHY), "pipedrive is not connected"),
        (("import", "no-such-file.toml", *WHY), "there is no such file"),
        (("import", "a\0b", *WHY), "there is no such file"),
        (("import", "x" * 5_000, *WHY), "x is no mapping: "),
        (("import", "/", *WHY), "there is no such file"),
        (("import", "/dev/zero", *WHY), "there is no such file"),
    ],
    ids=lambda part: " ".join(part)[:40] if isinstance(part, tuple) else "",
)
def test_what_cannot_be_done_is_one_sentence_and_status_2(world: World, arguments: tuple[str, ...], says: str) -> None:
    refused = mapping(world, *arguments)

    assert refused.exit_code == 2
    assert says in refused.stderr
    assert refused.stdout == ""


def test_nothing_to_go_back_to_is_told(untouched_world: World) -> None:
    refused = run_in(untouched_world, "mapping", "rollback", "hubspot", *WHY)

    assert refused.exit_code == 2
    assert "no other was in force before it" in refused.stderr


def test_a_file_for_another_crm_is_told(world: World, changed: Path) -> None:
    refused = mapping(world, "save", "salesforce", str(changed), *WHY)

    assert refused.exit_code == 2
    assert "The file is a mapping for hubspot, not for salesforce." in refused.stderr


def test_a_stored_version_that_this_release_cannot_use_is_told_and_can_be_left(world: World) -> None:
    with world.services.store.begin() as work:
        version = work.mappings.save("hubspot", {"deal": []}, author="ada", why="an older release")
        work.mappings.activate("hubspot", version)

    refused = mapping(world, "show", "hubspot")
    doctor = run_in(world, "doctor")
    left = mapping(world, "activate", "hubspot", "0", *WHY)

    assert refused.exit_code == 2
    assert f"Version {version} of the hubspot mapping cannot be used" in refused.stderr
    assert f"Version {version} of the hubspot mapping cannot be used" in doctor.output
    assert left.exit_code == 0


# --- Files that are broken, or mean harm ----------------------------------------------------------------------------

_HEAD = 'crm = "hubspot"\n[objects]\ndeal = "deal"\n'
_RULE = '[[deal]]\ncanonical = "deal.name"\nfield = "deal.dealname"\n'
HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "crm is missing."),
    "binary": (bytes(range(256)) * 40, "not UTF-8"),
    "an ELF program": (b"\x7fELF\x02\x01\x01" + b"\0" * 200, "not TOML"),
    "UTF-16": (f"{_HEAD}{_RULE}".encode("utf-16"), "not UTF-8"),
    "Latin-1": (f'{_HEAD}{_RULE}args = {{ default = "Müller" }}\n'.encode("latin-1"), "not UTF-8"),
    "a zero byte": (f"{_HEAD}\0{_RULE}".encode(), "not TOML"),
    "huge": (b"#" * 10_000_000, "larger than 256 KiB"),
    "huge and right": (f"{_HEAD}{_RULE}".encode() + b"# padding\n" * 40_000, "larger than 256 KiB"),
    "deep lists": (b"a = " + b"[" * 50_000 + b"]" * 50_000, "nested too deep"),
    "deep tables": (f"{_HEAD}{_RULE}args = {'{ a = ' * 20}1{' }' * 20}\n".encode(), "nested deeper than 8 levels"),
    "deep names": (("[" + ".".join("a" for _ in range(5_000)) + "]\n").encode(), "nested deeper than 8 levels"),
    "a number without end": (f"{_HEAD}version = {'9' * 100_000}\n{_RULE}".encode(), "cannot be read"),
    "a float without end": (f"{_HEAD}{_RULE}args = {{ default = 1e999999999 }}\n".encode(), "[[deal]] number 1"),
    "not a number": (f"{_HEAD}{_RULE}args = {{ default = nan }}\n".encode(), "[[deal]] number 1"),
    "YAML": (b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ncrm: *c\n", "not TOML"),
    "JSON": (b'{"crm": "hubspot", "deal": []}', "not TOML"),
    "a key twice": (f'{_HEAD}{_RULE}field = "deal.other"\n'.encode(), "not TOML: Cannot overwrite a value"),
    "a table twice": (f"{_HEAD}{_RULE}[objects]\n".encode(), "not TOML"),
    "keys we do not know": (f"rm = 1\n{_HEAD}{_RULE}on_load = 1\n".encode(), "rm is not a setting of a mapping."),
    "wrong types": (b"crm = 1\nobjects = []\ndeal = 3\nversion = true\n", "deal: "),
    "a rule that is none": (f"{_HEAD}[[deal]]\ncanonical = 5\n".encode(), "deal number 1 canonical"),
    "code in a path": (
        f'{_HEAD}[[deal]]\ncanonical = "deal.name"\nfield = "deal.__class__.__mro__[1]"\n'.encode(),
        "not a name or path",
    ),
    "SOQL in a path": (
        f'{_HEAD}[[deal]]\ncanonical = "deal.name"\nfield = "deal.Name FROM User --"\n'.encode(),
        "not a name or path",
    ),
    "a pattern that never ends": (
        f'{_HEAD}[[deal]]\ncanonical = "deal.name"\nfield = "deal.a"\ntransform = "regex"\n'
        "args = { pattern = '(a+)+$' }\n".encode(),
        "repeats a group",
    ),
    "thousands of mistakes": (_HEAD.encode() + b'[[deal]]\ncanonical = "x"\nfield = "y"\n' * 900, "And "),
    "more rules than anybody has": (_HEAD.encode() + b'[[deal]]\ncanonical="a.b"\n' * 1_001, "deal: "),
    "escapes for a terminal": (f'{_HEAD}{_RULE}"\x1b]0;owned\x07" = 1\n'.encode(), "not TOML"),
    "escaped escapes": (f'{_HEAD}{_RULE}"\\u001b[2J" = 1\n'.encode(), "is not a setting of a mapping."),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_broken_or_hostile_file_ends_in_sentences(world: World, tmp_path: Path, name: str) -> None:
    """The same for every command that takes a file: what is wrong, in few words, and nothing is kept of it."""
    content, says = HOSTILE[name]
    file = str(_file(tmp_path, content))
    before = told(world, "show", "hubspot", "--versions")

    for arguments in (("import", file, *WHY), ("save", "hubspot", file, "--force", *WHY), ("check", "hubspot", file)):
        refused = mapping(world, *arguments)
        assert refused.exit_code == 2
        assert refused.stdout == ""
        assert f"{file} is no mapping: " in refused.stderr
        assert says in refused.stderr
        assert len(refused.stderr) < 6_000
        assert not [sign for sign in refused.stderr if ord(sign) < 32 and sign != "\n"]
    assert told(world, "show", "hubspot", "--versions") == before


def test_import_takes_standard_input(world: World, changed: Path) -> None:
    """The same limits hold there."""
    kept = run(world.environment, "mapping", "import", "-", *WHY, "--json", stdin=changed.read_bytes())
    huge = run(world.environment, "mapping", "import", "-", *WHY, stdin=b"#" * 10_000_000)

    version = json.loads(kept.stdout)["version"]
    assert mapping(world, "diff", "hubspot", str(version), str(changed)).exit_code == 0
    assert huge.exit_code == 2
    assert "larger than 256 KiB" in huge.stderr


def test_an_import_is_kept_unchecked_and_checked_when_it_is_used(world: World, tmp_path: Path) -> None:
    """It may come from another installation, whose fields are still to be made here."""
    version = str(told(world, "import", str(_file(tmp_path, _changed("{company.elsewhere}"))), *WHY)["version"])

    refused = mapping(world, "activate", "hubspot", version, *WHY)

    assert refused.exit_code == 2
    assert "company has no field elsewhere" in refused.stderr
