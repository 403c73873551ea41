"""The whole deal as it was last billed, as a document that an edited deal can be held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WHOLE = "whole"
"""Where the document of a change keeps the deal as if it were new: what a later change is compared with."""

_CUSTOMER = "customer"
_THE_ACCOUNTS_OWN = frozenset({"adopt", "name", "phone"})
_REFER = ("key", _CUSTOMER)  #: fields of a step that name another by its owner and role


def whole_as_billed(documents: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """From the documents of all of a deal's billed plans, oldest first; None when it never was billed as a whole."""
    wholes = [document.get(WHOLE, document) for document in documents]
    return next((as_if_new(whole) for whole in reversed(wholes) if "steps" in whole), None)


def as_if_new(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is the account's own matter: the customer id, which our own write-back puts there, and its name."""
    steps = [
        {name: value for name, value in step.items() if step["kind"] != _CUSTOMER or name not in _THE_ACCOUNTS_OWN}
        for step in whole["steps"]
    ]
    return {**whole, "steps": steps, "notes": []}


def billed_to(whole: Mapping[str, Any], account: str) -> dict[str, Any]:
    """The same with ``account`` in place of the one it was billed to: that record was merged into this one."""
    customers = [str(step["key"]) for step in whole.get("steps", ()) if step["kind"] == _CUSTOMER]
    owners = frozenset(key.rpartition("/")[0] for key in customers)
    return {**whole, "steps": [_renamed(step, owners, account) for step in whole.get("steps", ())]}


def _renamed(step: Mapping[str, Any], owners: frozenset[str], account: str) -> dict[str, Any]:
    told = dict(step)
    for name in _REFER:
        owner, _, role = str(step.get(name, "")).rpartition("/")
        if owner in owners:
            told[name] = f"{account}/{role}"
    if "metadata" in step:
        told["metadata"] = {key: account if value in owners else value for key, value in step["metadata"].items()}
    return told
