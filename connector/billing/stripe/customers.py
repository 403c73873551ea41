"""Customers: made once, found again, and recognised when they were there before us."""

from __future__ import annotations

from datetime import timedelta

from stripe import StripeClient
from stripe.params import CustomerListParams, CustomerSearchParams

from connector.billing.stripe import steps, translate
from connector.billing.stripe.calls import Calls, Json
from connector.billing.stripe.marks import first, meta, once
from connector.billing.stripe.translate import id_of, ref
from connector.domain.billing_plan import META_ACCOUNT, MakeCustomer
from connector.domain.customer_match import Candidate
from connector.domain.refs import RecordRef
from connector.errors import NotFound, Rejected
from connector.ports import Clock
from connector.sentences import billing as sentences

_LOOK_BACK = timedelta(days=3)
"""How far back customers without an e-mail address are looked through: an unheard attempt is retried within minutes."""

_MOST_CANDIDATES = 100
"""One page of a search. Who has more namesakes than that needs a person anyway."""


class Customers:
    """Makes, finds and recognises customers."""

    def __init__(self, client: StripeClient, calls: Calls, clock: Clock) -> None:
        self._v1 = client.v1
        self._calls = calls
        self._clock = clock

    def make(self, step: MakeCustomer, key: str) -> RecordRef:
        """The customer of a step, made once per ``key``; or the one that the CRM record names, as it is."""
        if step.adopt:
            return self._adopted(step)
        params = steps.customer_params(step)
        body = self._calls.one("customers.create", lambda: self._v1.customers.create(params, once(key)))
        return ref("customer", body["id"])

    def find(self, step: MakeCustomer) -> RecordRef | None:
        """What an earlier attempt at the step made."""
        if step.adopt:
            return None  # nothing is made for it, so there is nothing to find
        owner = str(step.key.owner)
        # The contact, and with it the address, may have changed since: so the latest ones are looked through as well.
        since = int((self._clock() - _LOOK_BACK).timestamp())
        by_address = [CustomerListParams(email=step.email)] if step.email else []
        for params in [*by_address, CustomerListParams(created={"gte": since})]:
            found = first(
                self._calls,
                "customers.list",
                self._v1.customers.list,
                params,
                lambda body: meta(body, META_ACCOUNT) == owner,
            )
            if found is not None:
                return ref("customer", found["id"])
        return None

    def candidates(self, step: MakeCustomer) -> list[Candidate]:
        """Customers that may be this account already, each with the strongest evidence for it, that first.

        By its e-mail address a consistent list is asked; by metadata, name and domain the search, which may be a
        minute behind: it is for customers that were there long before.
        """
        found: dict[str, Json] = {}
        if step.email:
            params = CustomerListParams(email=step.email, limit=_MOST_CANDIDATES)
            answer = self._calls.one("customers.list", lambda: self._v1.customers.list(params))
            found |= {body["id"]: body for body in answer["data"]}
        search = CustomerSearchParams(query=_query(step), limit=_MOST_CANDIDATES)
        answer = self._calls.one("customers.search", lambda: self._v1.customers.search(search))
        found |= {body["id"]: body for body in answer["data"]}
        judged = [_candidate(body, step) for body in found.values() if not body.get("deleted")]
        return sorted((each for each in judged if each is not None), key=lambda each: _STRENGTH.index(each.why))

    def can_charge(self, customer: RecordRef) -> bool:
        """Whether the customer has something to charge."""
        body = self._customer(customer)
        settings = body.get("invoice_settings") or {}
        return bool(id_of(settings.get("default_payment_method")) or id_of(body.get("default_source")))

    def _adopted(self, step: MakeCustomer) -> RecordRef:
        """The customer that the CRM record names. Nothing on it is changed: it may be in use elsewhere."""
        known = ref("customer", step.adopt)
        try:
            body = self._customer(known)
        except NotFound as error:
            raise _no_such_customer(step, "does not exist") from error
        if body.get("deleted"):
            raise _no_such_customer(step, "has been deleted")
        return known

    def _customer(self, customer: RecordRef) -> Json:
        return self._calls.one("customers.retrieve", lambda: self._v1.customers.retrieve(customer.id), customer)


_STRENGTH = ("metadata", "email", "domain", "name")


def _no_such_customer(step: MakeCustomer, state: str) -> Rejected:
    return Rejected.because(
        sentences.CUSTOMER_MISSING, ref=step.key.owner, provider="stripe", customer=step.adopt, state=state
    )


def _query(step: MakeCustomer) -> str:
    """Any one of the three. Source: docs.stripe.com/search#search-query-language."""
    asked = [f"metadata[{_quoted(META_ACCOUNT)}]:{_quoted(str(step.key.owner))}", f"name:{_quoted(step.name)}"]
    if step.domain:
        asked.append(f"email~{_quoted('@' + step.domain)}")
    return " OR ".join(asked)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _candidate(body: Json, step: MakeCustomer) -> Candidate | None:
    """Judged anew, whichever question brought it up: a search finds parts of words as well."""
    customer = translate.customer(body)
    email, domain = customer.email.casefold(), step.domain.casefold()
    evidence = {
        "metadata": customer.crm_account == step.key.owner,
        "email": bool(email) and email == step.email.casefold(),
        "domain": bool(domain) and email.rpartition("@")[2] == domain,
        "name": _same_name(customer.name, step.name),
    }
    why = next((each for each in _STRENGTH if evidence[each]), None)
    if why is None:
        return None
    return Candidate(customer.ref, why, customer.name, customer.email, customer.crm_account)


def _same_name(one: str, other: str) -> bool:
    return bool(one.strip()) and " ".join(one.casefold().split()) == " ".join(other.casefold().split())
