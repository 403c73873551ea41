"""``connector mapping``: the field mapping in force, and what is wrong with it."""

from __future__ import annotations

import click

from connector.bootstrap import open_services
from connector.cli.output import json_option, print_json, print_table
from connector.errors import Misconfigured
from connector.ports import Services
from mappings.model import FieldMapping


@click.group(short_help="The field mapping in force.")
def mapping() -> None:
    """Field mappings: CRM field -> canonical field, and canonical value -> CRM field."""


@mapping.command()
@click.argument("crm")
@json_option
def show(crm: str, as_json: bool) -> None:
    """Show the mapping in force for CRM."""
    with open_services() as services:
        current = _of(crm, services)
    rules = [*current.deal, *current.line_item]
    if as_json:
        print_json(
            {
                "crm": current.crm,
                "version": current.version,
                "rules": [{"canonical": r.canonical, "field": r.field, "transform": r.transform} for r in rules],
                "write_back": {kind: dict(fields) for kind, fields in current.write_back.items()},
            }
        )
        return
    print_table(
        f"{crm}, version {current.version}: read from the CRM",
        ("canonical", "field", "transform", "required"),
        [(r.canonical, r.field, r.transform, "yes" if r.required else "") for r in rules],
    )
    print_table(
        "written to the CRM",
        ("record", "canonical", "field"),
        [(kind, name, field) for kind, fields in current.write_back.items() for name, field in fields.items()],
    )


def _of(crm: str, services: Services) -> FieldMapping:
    if crm not in services.mappings:
        raise Misconfigured(f"{crm} is not connected.", hint=f"Connected: {', '.join(services.mappings) or 'none'}.")
    return services.mappings[crm]
