"""A believable start: the products a software company sells, found by everybody who opens the portal."""

from typing import Any

from connector.sandbox.hubspot.kinds import KINDS
from connector.sandbox.hubspot.people import People
from connector.sandbox.hubspot.portal import Portal

PRODUCTS: tuple[dict[str, str], ...] = (
    {
        "name": "Platform seat, Team",
        "hs_sku": "SEAT-TEAM-M",
        "price": "29.00",
        "recurringbillingfrequency": "monthly",
        "hs_recurring_billing_period": "P1Y",
        "description": "One named user, billed monthly",
    },
    {
        "name": "Platform seat, Business",
        "hs_sku": "SEAT-BUS-Y",
        "price": "588.00",
        "recurringbillingfrequency": "annually",
        "hs_recurring_billing_period": "P1Y",
        "description": "One named user, billed yearly in advance",
    },
    {
        "name": "Analytics add-on",
        "hs_sku": "ADDON-ANALYTICS-Q",
        "price": "750.00",
        "recurringbillingfrequency": "quarterly",
        "hs_recurring_billing_period": "P1Y",
        "description": "Dashboards and exports, billed quarterly",
    },
    {
        "name": "Premium support",
        "hs_sku": "SUPPORT-PREM-Y",
        "price": "4800.00",
        "recurringbillingfrequency": "annually",
        "hs_recurring_billing_period": "P1Y",
        "description": "One-hour response, day and night",
    },
    {
        "name": "Onboarding package",
        "hs_sku": "SERVICE-ONBOARD",
        "price": "3500.00",
        "description": "Set-up and training, once",
    },
)


def seed(people: People, portal: Portal) -> dict[str, Any]:
    """Put the products into the catalogue, each once however often it is called.

    Answers what a story needs to begin: product ids by SKU, owner ids, and the won stage of each pipeline.
    """
    with portal.lock:
        known = {one.values.get("hs_sku", ""): one.id for one in portal.live(KINDS["products"])}
        for one in PRODUCTS:
            if one["hs_sku"] not in known:
                known[one["hs_sku"]] = people.create("products", one).id
        return {
            "products": {one["hs_sku"]: known[one["hs_sku"]] for one in PRODUCTS},
            "owners": list(portal.owners),
            "won_stages": {
                pipeline.id: next(stage.id for stage in pipeline.stages if stage.won)
                for pipeline in portal.pipelines.values()
            },
        }
