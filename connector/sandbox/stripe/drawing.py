"""Prepaid credits at work: what metered lines draw when their invoice is finalised, after discounts, before tax.

Source: docs.stripe.com/billing/subscriptions/usage-based/billing-credits.
"""

from connector.sandbox.stripe.world import Obj, World


def draw(world: World, invoice: Obj) -> None:
    """Let the invoice's metered lines use up what the customer was granted, by priority, then by when it expires."""
    for line in invoice["_lines"]:
        left = line["amount"] - sum(each["amount"] for each in line["discount_amounts"])
        if not _is_metered(world, line):
            continue
        for grant in _grants(world, invoice, line):
            part = min(left, grant["_left"])
            if part <= 0:
                continue
            with world.changing(grant, "billing.credit_grant.updated"):
                grant.update(_left=grant["_left"] - part, updated=world.moment)
            line["pretax_credit_amounts"].append(_amount(part, grant))
            left -= part
    invoice["total_pretax_credit_amounts"] = [
        dict(each) for line in invoice["_lines"] for each in line["pretax_credit_amounts"]
    ]


def drawn(line: Obj) -> int:
    """What credits took off a line."""
    return sum(each["amount"] for each in line["pretax_credit_amounts"])


def _grants(world: World, invoice: Obj, line: Obj) -> list[Obj]:
    found = [
        grant
        for grant in world.all("billing.credit_grant")
        if grant["customer"] == invoice["customer"]
        and grant["amount"]["monetary"]["currency"] == invoice["currency"]
        and grant["effective_at"] <= world.moment
        and (grant["expires_at"] is None or world.moment < grant["expires_at"])
        and _applies(grant, line)
    ]
    return sorted(found, key=lambda grant: (grant["priority"], grant["expires_at"] or float("inf")))


def _applies(grant: Obj, line: Obj) -> bool:
    chosen = grant["applicability_config"]["scope"].get("prices")
    return chosen is None or line["pricing"]["price_details"]["price"] in {each["id"] for each in chosen}


def _is_metered(world: World, line: Obj) -> bool:
    details = (line["pricing"] or {}).get("price_details") or {}
    price = world.tables["price"].get(details.get("price") or "")
    return bool(price and price["recurring"] and price["recurring"]["usage_type"] == "metered")


def _amount(part: int, grant: Obj) -> Obj:
    transaction = f"cbtxn_{grant['id'].partition('_')[2]}"
    return {"amount": part, "type": "credit_balance_transaction", "credit_balance_transaction": transaction}
