"""``connector mapping``: show, check, preview, compare, save, activate and roll back field mappings."""

from __future__ import annotations

import click

from connector.cli.mapping.change import activate, import_, rollback, save
from connector.cli.mapping.judge import check, preview
from connector.cli.mapping.look import diff, export, show


@click.group(short_help="Field mappings: show, check, preview, save, activate, roll back.")
def mapping() -> None:
    """Field mappings: CRM field -> canonical field, and canonical value -> CRM field.

    Wherever a MAPPING is asked for, say `active`, `shipped`, a version's number, the name of a mapping we ship
    (salesforce-cpq), or a TOML file.
    """


for command in (show, check, preview, diff, save, activate, rollback, export, import_):
    mapping.add_command(command)
