"""Each kind of mistake in a mapping yields its sentence of the catalogue, in a real org with person accounts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from string import Formatter

import pytest

from connector.cli.mapping.named import mapping_named
from connector.domain.billing import Price
from connector.domain.refs import RecordRef
from connector.errors import CannotBill, ConnectorError, NotFound
from connector.ports import FieldCatalog, Services
from connector.sync.bill_deal import bill_deal
from connector.sync.change_mapping import activate_mapping, roll_back_mapping, save_mapping
from connector.sync.check_mapping import check_mapping
from connector.sync.mappings_in_force import MappingsInForce
from connector.targets import TargetKind, for_record
from mappings import sentences, value_sentences
from mappings.load import as_body
from mappings.sentence import Sentence, all_in
from tests.factories import NOW
from tests.fakes import FakeCrm
from tests.mappings.real_org import real_org
from tests.mappings.records import a_salesforce_deal
from tests.sync.conftest import World
from tests.sync.mistakes import (
    IN_A_MAPPING,
    MISTAKES,
    MORE_FIELDS,
    SOUND,
    WHILE_A_DEAL_IS_READ,
    Mistake,
)

ORG = {name: {**fields, **{more.name: more for more in MORE_FIELDS[name]}} for name, fields in real_org().items()}


class RealOrg(FakeCrm):
    """A Salesforce that describes what was recorded of a real one; the other objects it does not show."""

    def describe(self, kind: str) -> FieldCatalog:
        name = SOUND.objects.get(kind, kind)
        if name not in ORG:
            raise NotFound(f"{name} is not shown.")
        return FieldCatalog(name, ORG[name])


@pytest.fixture
def crm() -> RealOrg:
    return RealOrg(name="salesforce")


@pytest.fixture
def services(world: World, crm: RealOrg) -> Services:
    mappings = MappingsInForce(world.services.store, ["salesforce"])
    world.services = replace(world.services, crms={"salesforce": crm}, mappings=mappings)
    world.billing.sells(Price(RecordRef("stripe", "price", "price_1"), "prod_1", "eur", Decimal(2000), None))
    return world.services


def the_words_of(sentence: Sentence) -> str:
    """A pattern for all that a sentence may say."""
    return "".join(re.escape(text) + (".*" if name is not None else "") for text, name, _, _ in parsed(sentence))


def parsed(sentence: Sentence) -> list[tuple[str, str | None, str | None, str | None]]:
    return list(Formatter().parse(sentence.text))


def is_said(sentence: Sentence, message: str, hint: str) -> bool:
    return bool(re.fullmatch(the_words_of(sentence), message, re.DOTALL)) and len(hint) > len("Do it.")


def test_the_mapping_without_a_mistake_has_no_finding(services: Services) -> None:
    assert check_mapping(SOUND, services) == []


@pytest.mark.parametrize("mistake", IN_A_MAPPING, ids=str)
def test_a_mistake_in_a_mapping_is_the_one_thing_that_a_check_finds(mistake: Mistake, services: Services) -> None:
    """Among hundreds of fields: its sentence, with a hint, and with what was meant where that can be guessed."""
    (finding,) = check_mapping(mistake.mapping, services)

    assert finding.id == mistake.sentence.id
    assert mistake.says in finding.sentence
    assert is_said(mistake.sentence, finding.sentence, finding.hint)
    assert finding.serious is not mistake.note


@pytest.mark.parametrize("mistake", [each for each in IN_A_MAPPING if not each.note], ids=str)
def test_a_mapping_with_a_mistake_is_never_put_in_force(mistake: Mistake, services: Services) -> None:
    version = save_mapping(mistake.mapping, services, author="ada", why="")

    with pytest.raises(ConnectorError) as caught:
        activate_mapping("salesforce", version, services, author="ada", why="")

    assert caught.value.sentence_id in {sentences.CHECK_FAILED.id, sentences.BROKEN_VERSION.id}
    assert services.mappings["salesforce"].version == 0


@pytest.mark.parametrize("mistake", WHILE_A_DEAL_IS_READ, ids=str)
def test_a_mistake_met_while_a_deal_is_read_parks_the_deal(
    mistake: Mistake, services: Services, crm: RealOrg, world: World
) -> None:
    """Its sentence stands on the record's work, and nothing at all is made in billing: no line is ever dropped."""
    deal = replace(a_salesforce_deal(lines=({}, mistake.line), **(mistake.deal or {})), problem=mistake.problem)
    ref = crm.has(deal, at=NOW)
    target = for_record(TargetKind.DEAL, ref)
    in_force(mistake, services)
    with services.store.begin() as work:
        work.targets.mark_dirty(target)

    with pytest.raises(CannotBill) as caught:
        world.run(target)

    assert caught.value.sentence_id == mistake.sentence.id
    assert mistake.says in caught.value.message
    assert is_said(mistake.sentence, caught.value.message, caught.value.hint)
    with services.store.begin() as work:
        (parked,) = work.targets.parked()
    assert mistake.says in parked.error
    assert world.billing.keys == {}


def in_force(mistake: Mistake, services: Services) -> None:
    """In spite of every check: an org may change after one."""
    version = save_mapping(mistake.mapping, services, author="ada", why="")
    activate_mapping("salesforce", version, services, author="ada", why="", unchecked=True)


def test_the_deals_that_show_mistakes_are_billed_without_one(services: Services, crm: RealOrg, world: World) -> None:
    ref = crm.has(a_salesforce_deal(lines=({}, {})), at=NOW)
    in_force(Mistake(sentences.NO_RULE, ""), services)

    bill_deal(str(ref), services)

    assert world.billing.keys != {}


# --- Versions and files ---------------------------------------------------------------------------------------------


def broken_version(services: Services, _: Path) -> None:
    with services.store.begin() as work:
        work.mappings.save("salesforce", {**as_body(SOUND), "deal": "none"}, author="ada", why="")
    activate_mapping("salesforce", 1, services, author="ada", why="")


def no_version(services: Services, _: Path) -> None:
    activate_mapping("salesforce", 7, services, author="ada", why="")


def nothing_before(services: Services, _: Path) -> None:
    roll_back_mapping("salesforce", services, author="ada", why="")


def other_crm(services: Services, directory: Path) -> None:
    file = directory / "mapping.toml"
    file.write_text(
        'crm = "hubspot"\n[objects]\ndeal = "deal"\n[[deal]]\ncanonical = "deal.name"\nfield = "deal.dealname"\n'
    )
    mapping_named("salesforce", str(file), services)


def broken_file(services: Services, directory: Path) -> None:
    file = directory / "mapping.toml"
    file.write_text(
        'crm = "salesforce"\n[objects]\ndeal = "Opportunity"\n[[deal]]\ncanonical = "deal.name"\n'
        'field = "Opportunity.Name"\n[prices]\norder = ["inlin"]\n'
    )
    mapping_named("salesforce", str(file), services)


def check_failed(services: Services, _: Path) -> None:
    version = save_mapping(IN_A_MAPPING[0].mapping, services, author="ada", why="")
    activate_mapping("salesforce", version, services, author="ada", why="")


VERSIONS: dict[Sentence, tuple[Callable[[Services, Path], None], str]] = {
    sentences.BROKEN_VERSION: (broken_version, "Version 1 of the salesforce mapping cannot be used: deal: "),
    sentences.NO_VERSION: (no_version, "no version 7 of the salesforce mapping"),
    sentences.NOTHING_BEFORE: (nothing_before, "The salesforce mapping in force is the one we ship"),
    sentences.OTHER_CRM: (other_crm, "for hubspot, not for salesforce"),
    sentences.BROKEN_FILE: (broken_file, "no price source called 'inlin', did you mean inline?"),
    sentences.CHECK_FAILED: (check_failed, "No rule feeds account.name"),
}


@pytest.mark.parametrize("sentence", VERSIONS, ids=lambda sentence: sentence.id)
def test_a_mistake_with_versions_and_files_yields_its_sentence(
    sentence: Sentence, services: Services, tmp_path: Path
) -> None:
    make, says = VERSIONS[sentence]

    with pytest.raises(ConnectorError) as caught:
        make(services, tmp_path)

    assert caught.value.sentence_id == sentence.id
    assert says in caught.value.message
    assert is_said(sentence, caught.value.message, caught.value.hint)
    assert services.mappings["salesforce"].version == 0


# --- The table is whole ---------------------------------------------------------------------------------------------


def test_every_sentence_about_a_mapping_is_made_by_a_mistake() -> None:
    """A sentence that nobody can get to see, or that no test has seen, would stand out here."""
    shown = {mistake.sentence.id for mistake in MISTAKES} | {sentence.id for sentence in VERSIONS}
    shown -= {sentence.id for sentence in all_in(value_sentences)}  # tests/mappings/test_value_sentences.py has each

    assert sorted(shown) == sorted(sentence.id for sentence in all_in(sentences))


def test_every_sentence_that_can_guess_is_seen_guessing() -> None:
    guessing = {sentence.id for sentence in all_in(sentences) if "guess" in sentence.names()}
    seen = {mistake.sentence.id for mistake in MISTAKES if "did you mean" in mistake.says}

    assert guessing - seen == set()
    assert len(guessing) >= 7
