"""``connector mapping save``, ``import``, ``activate`` and ``rollback``: versions, and which of them is in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from connector.bootstrap import open_services
from connector.cli.mapping.named import mapping_in, mapping_named, of_crm
from connector.cli.output import json_option, print_json
from connector.cli.somebody import somebody
from connector.errors import Misconfigured
from connector.ports import Services
from connector.sentences.commands import NOT_SHIPPED, WHICH_VERSION
from connector.sync.change_mapping import (
    Activation,
    activate_mapping,
    roll_back_mapping,
    save_mapping,
)
from connector.sync.check_mapping import refuse_unfit
from mappings.load import default_mapping, default_names
from mappings.model import SHIPPED


def _signed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Who changes a mapping, and why: both stand in its history."""
    why = click.option("--why", required=True, help="Why: it stands in the mapping's history.")
    by = click.option("--by", default=somebody, show_default="you", help="Who changes it.")
    return why(by(command))


@click.command(short_help="Check a mapping file and keep it as a new version.")
@click.argument("crm")
@click.argument("file")
@_signed
@click.option("--force", is_flag=True, help="Save it although it does not fit the CRM.")
@json_option
def save(crm: str, file: str, why: str, by: str, force: bool, as_json: bool) -> None:
    """Check FILE against the CRM and keep it as a new version of its mapping. It is not in force before `activate`."""
    with open_services() as services:
        mapping = mapping_named(crm, file, services)
        if not force:
            refuse_unfit(mapping, services)
        version = save_mapping(mapping, services, author=by, why=why)
    _saved(crm, version, as_json=as_json)


@click.command("import", short_help="Keep a mapping file from elsewhere as a new version, unchecked.")
@click.argument("file")
@_signed
@json_option
def import_(file: str, why: str, by: str, as_json: bool) -> None:
    """Keep FILE (- for standard input) as a new version of the mapping for the CRM that it names.

    It may come from another installation, and fields may still be missing here: it is checked when it is activated.
    """
    mapping = mapping_in(file)
    with open_services() as services:
        of_crm(mapping.crm, services)
        version = save_mapping(mapping, services, author=by, why=why)
    _saved(mapping.crm, version, as_json=as_json)


@click.command(short_help="Put a version in force.")
@click.argument("crm")
@click.argument("version", type=click.IntRange(0, 1_000_000), required=False)
@click.option("--default", "shipped", help="In place of a version: a mapping we ship, such as salesforce-cpq.")
@_signed
@click.option("--reapply", is_flag=True, help="Look at what is billed again, and propose what would change.")
@click.option("--force", is_flag=True, help="Use it although it does not fit the CRM.")
@json_option
def activate(
    crm: str,
    version: int | None,
    shipped: str | None,
    why: str,
    by: str,
    reapply: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Put VERSION of the mapping for CRM in force; 0 is the one we ship.

    What is billed already stays as it is, unless --reapply asks to propose the changes.
    """
    if (version is None) == (shipped is None):
        raise Misconfigured.because(WHICH_VERSION)
    with open_services() as services:
        of_crm(crm, services)
        if version is None:  # a variant of ours is checked before it becomes a version
            version = _shipped(crm, str(shipped), services, by, why, force=force)
        done = activate_mapping(crm, version, services, author=by, why=why, reapply=reapply, unchecked=force)
    _activated(done, as_json=as_json)


@click.command(short_help="Go back to the version that was in force before.")
@click.argument("crm")
@_signed
@json_option
def rollback(crm: str, why: str, by: str, as_json: bool) -> None:
    """Put the version in force again that was in force for CRM before this one; twice goes back two."""
    with open_services() as services:
        done = roll_back_mapping(of_crm(crm, services), services, author=by, why=why)
    _activated(done, as_json=as_json)


def _shipped(crm: str, name: str, services: Services, by: str, why: str, *, force: bool) -> int:
    """The number under which a mapping we ship can be used: the CRM's own is 0, a variant becomes a version."""
    names = default_names(crm)
    if name not in names:
        raise Misconfigured.because(NOT_SHIPPED, name=repr(name), crm=crm, names=", ".join(names))
    if name == crm:
        return SHIPPED
    mapping = default_mapping(name)
    if not force:
        refuse_unfit(mapping, services)
    return save_mapping(mapping, services, author=by, why=f"{name}, as we ship it: {why}")


def _saved(crm: str, version: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"crm": crm, "version": version})
    else:
        click.echo(f"Saved as version {version}. `connector mapping activate {crm} {version}` puts it in force.")


def _activated(done: Activation, *, as_json: bool) -> None:
    if as_json:
        answer = {"crm": done.crm, "version": done.version, "before": done.before, "looked_at_again": done.reapplied}
        print_json(answer)
        return
    now = f"version {done.version}" if done.version else "the mapping we ship"
    click.echo(f"In force for {done.crm}: {now}." + (" It was already." if done.before == done.version else ""))
    if done.reapplied:
        click.echo(f"{done.reapplied} billed deals are looked at again; what would change is proposed for approval.")
