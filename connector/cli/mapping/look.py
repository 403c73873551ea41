"""``connector mapping show``, ``diff`` and ``export``: what a mapping says, and how two of them differ."""

from __future__ import annotations

from pathlib import Path

import click

from connector.bootstrap import open_services
from connector.cli.mapping.named import mapping_named, of_crm
from connector.cli.output import json_option, print_json, print_table
from connector.errors import Misconfigured
from connector.ports import Services
from connector.sentences.commands import FILE_NOT_WRITTEN
from connector.sync.change_mapping import mapping_versions
from mappings.diff import mapping_differences, rule_says
from mappings.dump import as_toml
from mappings.load import as_body, default_names, default_text
from mappings.model import SHIPPED, FieldMapping


@click.command(short_help="Show a mapping, or every version of it.")
@click.argument("crm")
@click.argument("mapping", default="active")
@click.option("--versions", is_flag=True, help="List every version: who saved it, when and why.")
@json_option
def show(crm: str, mapping: str, versions: bool, as_json: bool) -> None:
    """Show the mapping for CRM: the active one, or MAPPING."""
    with open_services() as services:
        if versions:
            _show_versions(of_crm(crm, services), services, as_json=as_json)
            return
        shown = mapping_named(crm, mapping, services)
    if as_json:
        print_json(as_body(shown))
        return
    title = f"{crm}, {'as we ship it' if shown.version == SHIPPED else f'version {shown.version}'}"
    print_table(
        f"{title}: read from the CRM",
        ("canonical", "from"),
        [(rule.canonical, rule_says(rule)) for rule in (*shown.deal, *shown.line_item)],
    )
    print_table("lines find their price by", ("order",), [(source,) for source in shown.prices.order])
    if shown.prices.products:
        print_table("product table", ("product code", "price"), list(shown.prices.products.items()))
    print_table(
        "written to the CRM",
        ("record", "canonical", "field"),
        [(kind, name, field) for kind, fields in shown.write_back.items() for name, field in fields.items()],
    )


def _show_versions(crm: str, services: Services, *, as_json: bool) -> None:
    stories = mapping_versions(crm, services)
    if as_json:
        print_json(
            [
                {
                    "version": story.version,
                    "active": story.active,
                    "author": story.author,
                    "why": story.why,
                    "created_at": story.created_at,
                }
                for story in stories
            ]
        )
        return
    print_table(
        f"Versions of the {crm} mapping",
        ("version", "active", "saved by", "on", "why"),
        [
            (
                story.version or "shipped",
                "yes" if story.active else "",
                story.author,
                f"{story.created_at:%Y-%m-%d %H:%M}" if story.created_at else "",
                story.why,
            )
            for story in stories
        ],
    )


@click.command(short_help="Say how two mappings differ.")
@click.argument("crm")
@click.argument("mapping")
@click.argument("other", required=False)
@json_option
def diff(crm: str, mapping: str, other: str | None, as_json: bool) -> None:
    """Say how MAPPING differs from the active mapping for CRM, or how OTHER differs from MAPPING.

    Exits with 1 when they differ.
    """
    with open_services() as services:
        old = mapping_named(crm, mapping if other else "active", services)
        new = mapping_named(crm, other or mapping, services)
    changes = mapping_differences(old, new)
    if as_json:
        print_json({"crm": crm, "differences": changes})
    else:
        for change in changes or ["They read and write exactly alike."]:
            click.echo(change)
    click.get_current_context().exit(1 if changes else 0)


@click.command(short_help="Write a mapping as a TOML file.")
@click.argument("crm")
@click.argument("mapping", default="active")
@click.option("--output", "-o", type=click.Path(dir_okay=False, writable=True), help="A file, in place of the screen.")
def export(crm: str, mapping: str, output: str | None) -> None:
    """Write the active mapping for CRM, or MAPPING, as a TOML file that `connector mapping import` takes."""
    with open_services() as services:
        text = _text(crm, mapping, mapping_named(crm, mapping, services))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misconfigured.because(FILE_NOT_WRITTEN, file=output, problem=error.strerror) from error
    click.echo(f"Written to {output}.")


def _text(crm: str, name: str, chosen: FieldMapping) -> str:
    """A mapping that we ship keeps its comments."""
    if name in default_names(crm):
        return default_text(name)
    return default_text(crm) if chosen.version == SHIPPED and name in ("active", "shipped", "0") else as_toml(chosen)
