"""What HubSpot keeps up to date by itself on a record: stage flags, counts, primary company."""

from connector.sandbox.hubspot.associations import PARENT_COMPANY
from connector.sandbox.hubspot.book import Book
from connector.sandbox.hubspot.figures import of_line_item
from connector.sandbox.hubspot.moments import write_moment
from connector.sandbox.hubspot.records import Record


def figures_of(book: Book, record: Record) -> dict[str, str]:
    """The computed properties of a record as they should be now."""
    match record.kind.name:
        case "deals":
            return _deal_figures(book, record)
        case "line_items":
            return of_line_item(record.values)
        case "companies":
            return _company_figures(book, record)
        case "contacts":
            return _contact_figures(book, record)
    return {}


def _deal_figures(book: Book, deal: Record) -> dict[str, str]:
    stage = book.stage(deal.values.get("dealstage", ""))
    won, closed = bool(stage and stage.won), bool(stage and stage.closed)
    amount = deal.values.get("amount", "")
    companies = book.associations.linked(("deals", deal.id), "companies")
    primary = [id_ for id_, types in companies.items() if any(one.primary for one in types)]
    was_won = deal.values.get("hs_closed_won_date", "")
    return {
        "hs_is_closed": str(closed).lower(),
        "hs_is_closed_won": str(won).lower(),
        "hs_is_closed_lost": str(closed and not won).lower(),
        "hs_deal_stage_probability": stage.probability if stage else "",
        "hs_closed_won_date": (was_won or write_moment(book.now())) if won else "",
        "hs_closed_amount": (amount or "0") if won else "0",
        "hs_num_of_associated_line_items": str(len(book.linked(deal, "line_items"))),
        "num_associated_contacts": str(len(book.linked(deal, "contacts"))),
        "hs_primary_associated_company": primary[0] if primary else "",
    }


def _company_figures(book: Book, company: Record) -> dict[str, str]:
    parents = [
        id_
        for id_, types in book.associations.linked(("companies", company.id), "companies").items()
        if any(one.id == PARENT_COMPANY for one in types)
    ]
    return {
        "num_associated_contacts": str(len(book.linked(company, "contacts"))),
        "num_associated_deals": str(len(book.linked(company, "deals"))),
        "hs_parent_company_id": parents[0] if parents else "",
    }


def _contact_figures(book: Book, contact: Record) -> dict[str, str]:
    companies = book.associations.linked(("contacts", contact.id), "companies")
    primary = [id_ for id_, types in companies.items() if any(one.primary for one in types)]
    full_name = " ".join(filter(None, (contact.values.get("firstname"), contact.values.get("lastname"))))
    return {
        "associatedcompanyid": primary[0] if primary else "",
        "hs_full_name_or_email": full_name or contact.values.get("email", ""),
    }
