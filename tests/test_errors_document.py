"""docs/errors.md is the catalogue, the catalogue is complete, and its sentences keep the house's habits."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import click
import pytest

import connector.sentences
from connector.billing import BILLINGS
from connector.cli import cli
from connector.crm import CRMS
from connector.errors import ConnectorError, NotGenuine, NotMigrated, Unreadable
from connector.sentences.catalogue import THEMES, every_sentence
from connector.sentences.document import anchor, document
from connector.settings import Settings
from mappings import sentences as mapping_sentences
from mappings import value_sentences
from mappings.sentence import Sentence, Who, all_in

ROOT = Path(__file__).parent.parent
SENTENCES = every_sentence()
each_sentence = pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.id)

MODULES = {
    name: importlib.import_module(name)
    for name in [
        *(f"connector.sentences.{found.name}" for found in pkgutil.iter_modules(connector.sentences.__path__)),
        mapping_sentences.__name__,
        value_sentences.__name__,
    ]
    if not name.endswith("__main__")
}
CONSTANTS = {
    (name, constant)
    for name, module in MODULES.items()
    for constant, value in vars(module).items()
    if isinstance(value, Sentence)
}


UNSEEN = {
    NotGenuine,  # its sender is told a status code and no more; the text is for our log
    Unreadable,  # its text is what delivery-unreadable fills in as {problem}
    NotMigrated,  # says database-not-migrated by itself
}
"""Errors that may be raised with a text of their own, since no user reads it as it is."""

STAGE = ROOT / "connector" / "cli" / "demo"
"""The demo speaks of itself, to whoever tries it on their own machine: no installation ever says what it says."""


def source_files() -> Iterator[Path]:
    """Every module of ours that may speak to a user; the sandbox is the outside world."""
    for package in ("connector", "mappings", "webhooks"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "sandbox" not in path.parts:
                yield path


def test_the_document_on_disk_is_what_the_catalogue_makes() -> None:
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == document(), "run `make docs`"


def test_the_document_has_every_sentence_with_its_cause_fix_and_who() -> None:
    text = document()
    for sentence in SENTENCES:
        entry = text.partition(f"\n### `{sentence.id}`\n")[2].partition("\n### ")[0]
        assert f"> {sentence.text}" in entry
        assert f"**Why:** {sentence.cause}" in entry
        assert f"**What to do:** {sentence.fix}" in entry
        assert f"**Who:** {sentence.who.value}" in entry


def test_the_table_of_contents_leads_to_every_theme() -> None:
    headings = {anchor(title) for title in re.findall(r"^## (.+)$", document(), re.MULTILINE)}
    linked = re.findall(r"\]\(#(.+?)\)", document())
    assert set(linked) == headings - {"contents"}
    assert len(linked) == len(THEMES)


def test_every_module_of_sentences_is_in_the_catalogue() -> None:
    assert {sentence for module in MODULES.values() for sentence in all_in(module)} == set(SENTENCES)


def test_an_id_names_one_sentence() -> None:
    ids = [sentence.id for sentence in SENTENCES]
    assert sorted(set(ids)) == sorted(ids)


@each_sentence
def test_an_id_is_lower_case_words_joined_by_hyphens(sentence: Sentence) -> None:
    assert re.fullmatch(r"[a-z]+(?:-[a-z0-9]+)*", sentence.id)
    assert len(sentence.id) <= 40


@each_sentence
def test_a_sentence_has_a_cause_a_fix_and_somebody_to_do_it(sentence: Sentence) -> None:
    assert sentence.who in Who
    for part in (sentence.text, sentence.cause, sentence.fix):
        assert part == part.strip()
        assert "  " not in part
        assert len(part) > 3


@each_sentence
def test_each_part_is_full_sentences(sentence: Sentence) -> None:
    for part in (sentence.text, sentence.cause, sentence.fix):
        assert re.match(r"[A-Z“{`\[-]", part), part
        assert part[-1] in ".}", part
    assert "{" not in sentence.cause, "a cause is read in the document only, where nothing is filled in"


@each_sentence
def test_what_is_filled_in_has_a_name(sentence: Sentence) -> None:
    parsed = [*Formatter().parse(sentence.text), *Formatter().parse(sentence.fix)]
    names = [name for _, name, _, _ in parsed if name is not None]
    assert all(re.fullmatch(r"[a-z][a-z_]*", name) for name in names)


@each_sentence
def test_a_command_that_a_sentence_names_exists(sentence: Sentence) -> None:
    context = click.Context(cli)
    for words in re.findall(r"`connector ([^`]+)`", f"{sentence.text} {sentence.cause} {sentence.fix}"):
        first, *rest = words.split()
        command = cli.get_command(context, first)
        assert command is not None, words
        if isinstance(command, click.Group):
            assert rest, words
            command = command.get_command(click.Context(command), rest[0])
            assert command is not None, words
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, words


@each_sentence
def test_a_setting_that_a_sentence_names_exists(sentence: Sentence) -> None:
    models = [Settings, *(card.settings for card in CRMS.values()), *(card.settings for card in BILLINGS.values())]
    variables = {
        f"{model.model_config.get('env_prefix', '')}{name}".upper() for model in models for name in model.model_fields
    }
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", f"{sentence.text} {sentence.cause} {sentence.fix}"))
    assert named <= variables


def test_every_sentence_is_said_somewhere() -> None:
    used = {constant for path in source_files() for constant in _named_in(path)}
    assert used >= CONSTANTS, sorted(CONSTANTS - used)


def test_sentences_are_made_in_the_catalogue_only() -> None:
    catalogue = {Path(str(module.__file__)) for module in MODULES.values()}
    strays = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in source_files()
        if path not in catalogue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Sentence"
    ]
    assert strays == []


@pytest.mark.parametrize(
    "path", [path for path in source_files() if STAGE not in path.parents], ids=lambda path: str(path.relative_to(ROOT))
)
def test_nothing_a_user_may_see_is_said_without_an_id(path: Path) -> None:
    """An error of ours is made by ``because`` with a sentence of the catalogue, or passes on the id of one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    errors = _errors_known_to(tree)
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.func)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_bare(node, errors)
    ]
    assert bare == []


def test_a_bare_error_is_seen() -> None:
    """The rule itself: what it must catch, and what it must let pass."""
    errors = _errors_known_to(ast.parse("class Odder(Rejected): ..."))

    def caught(code: str) -> bool:
        [call] = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
        return _is_bare(call, errors)

    assert caught('raise CannotBill("The deal is odd.")')
    assert caught('error = Rejected(sentence, hint="Look.")')
    assert caught('raise errors.Unreachable("Nobody answers.")')
    assert caught('raise Odder("It is odder.")')
    assert caught('meaning.error(sentence, hint="Look.")')
    assert not caught("raise CannotBill.because(ODD, ref=ref)")
    assert not caught("CannotBill(problem.message, sentence_id=problem.sentence_id)")
    assert not caught('raise NotGenuine("The signature is wrong.")')
    assert not caught('Check("settings", FAIL, "It is odd.", hint="Look.")')


def _errors_known_to(tree: ast.Module) -> frozenset[str]:
    """The names of error classes that speak to users; a module's own subclasses among them."""
    ours = {error.__name__ for error in _and_below(ConnectorError)}
    own = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and ours & {ast.unparse(base) for base in node.bases}
    }
    return frozenset(ours | own) - {error.__name__ for error in UNSEEN}


def _and_below(error: type[ConnectorError]) -> Iterator[type[ConnectorError]]:
    yield error
    for each in error.__subclasses__():
        yield from _and_below(each)


def _is_bare(call: ast.Call, errors: frozenset[str]) -> bool:
    """Whether a call makes an error from a text: by its class, or by one that a variable holds, as ``hint=`` tells."""
    words = {keyword.arg for keyword in call.keywords}
    if "sentence_id" in words:
        return False
    if isinstance(call.func, ast.Name):
        return call.func.id in errors
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in errors or (call.func.attr == "error" and "hint" in words)
    return False


def _named_in(path: Path) -> Iterator[tuple[str, str]]:
    """Each (module, constant) of the catalogue that a file names, through whatever it imported it as."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                full = f"{node.module}.{name.name}"
                if full in MODULES:
                    aliases[name.asname or name.name] = full
                elif node.module in MODULES:
                    yield node.module, name.name
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            yield aliases[node.value.id], node.attr
