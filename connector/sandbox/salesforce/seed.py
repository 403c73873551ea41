"""A believable org to begin with: its people, stages, price book and products, and the connector's own user."""

from dataclasses import dataclass
from decimal import Decimal

from connector.sandbox.salesforce.access import Actor
from connector.sandbox.salesforce.features import set_stage
from connector.sandbox.salesforce.oauth import Client, Logins
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.records import Writer, stamp
from connector.sandbox.salesforce.rules_tasks import PRIORITIES, STATUSES, use_words
from connector.sandbox.salesforce.values import Record, Value

CLIENT_KEY = "3MVG9sandbox.connector.client"
CLIENT_SECRET = "sandbox-connector-secret"  # noqa: S105 - of a make-believe org on loopback
INTEGRATION_USERNAME = "billing.integration@northwind.example"

_STAGES = (  # name, closed, won, probability, forecast category name
    ("Prospecting", False, False, 10, "Pipeline"),
    ("Qualification", False, False, 10, "Pipeline"),
    ("Needs Analysis", False, False, 20, "Pipeline"),
    ("Value Proposition", False, False, 50, "Pipeline"),
    ("Proposal/Price Quote", False, False, 75, "Best Case"),
    ("Negotiation/Review", False, False, 90, "Commit"),
    ("Closed Won", True, True, 100, "Closed"),
    ("Signed and Countersigned", True, True, 100, "Closed"),  # won, though its name does not say so
    ("Closed Lost", True, False, 0, "Omitted"),
)
_PEOPLE = (  # first, last, username, title
    ("Ada", "Marlow", "ada.marlow@northwind.example", "Salesforce Administrator"),
    ("Billing", "Integration", INTEGRATION_USERNAME, "API only"),
    ("Nadia", "Osei", "nadia.osei@northwind.example", "Account Executive"),
    ("Tomas", "Lindqvist", "tomas.lindqvist@northwind.example", "Account Executive"),
    ("Priya", "Raman", "priya.raman@northwind.example", "Customer Success Manager"),
)
_PRODUCTS = (  # code, name, family, list price
    ("SEAT-TEAM", "Team seat", "Software", "29.00"),
    ("SEAT-BUSINESS", "Business seat", "Software", "59.00"),
    ("SEAT-ENTERPRISE", "Enterprise seat", "Software", "99.00"),
    ("PLATFORM", "Platform fee", "Software", "750.00"),
    ("SSO", "Single sign-on", "Software", "200.00"),
    ("SUPPORT-PREMIUM", "Premium support", "Services", "450.00"),
    ("ONBOARDING", "Onboarding", "Services", "3500.00"),
    ("TRAINING-DAY", "Training day", "Services", "1200.00"),
)


@dataclass(frozen=True)
class Seeded:
    """The ids of what the seed made."""

    admin: str
    integration_user: str
    owners: tuple[str, ...]
    standard_price_book: str


def seed(org: Org, logins: Logins) -> Seeded:
    """Fill an empty org and register the connector's client with both flows open to its user."""
    with org.lock, org.unit():
        users = [_add_user(org, *person) for person in _PEOPLE]
        _raw(org, "Organization", users[0], Name="Northwind Tools", OrganizationType="Enterprise Edition",
             InstanceName="NA001", IsSandbox=True, DefaultLocaleSidKey="en_US",
             TimeZoneSidKey="America/New_York", FiscalYearStartMonth=1, Country="US")  # fmt: skip
        for name, closed, won, probability, forecast in _STAGES:
            set_stage(org, name, closed=closed, won=won, probability=probability, forecast=forecast)
        use_words(org, "TaskStatus", STATUSES)
        use_words(org, "TaskPriority", PRIORITIES)
        book = _raw(org, "Pricebook2", users[0], Name="Standard Price Book", IsActive=True, IsStandard=True,
                    IsArchived=False)  # fmt: skip
        for code, name, family, price in _PRODUCTS:
            add_product(org, users[0], book, code=code, name=name, family=family, price=Decimal(price))
    logins.clients[CLIENT_KEY] = Client(
        CLIENT_KEY, CLIENT_SECRET, run_as=users[1], approved_users={INTEGRATION_USERNAME}
    )
    return Seeded(users[0], users[1], tuple(users[2:]), book)


def add_product(
    org: Org, user_id: str, price_book: str, *, code: str, name: str, family: str | None, price: Decimal
) -> str:
    """A product with a price in a price book; gives the price book entry's id."""
    writer = Writer(org, Actor(user_id, sees_all=True))
    values: dict[str, object] = {"Name": name, "ProductCode": code, "IsActive": True, "Family": family}
    product = writer.create(org.schema.get("Product2"), values)
    entry = {"Pricebook2Id": price_book, "Product2Id": product, "UnitPrice": price, "IsActive": True}
    return writer.create(org.schema.get("PricebookEntry"), entry)


def _add_user(org: Org, first: str, last: str, username: str, title: str) -> str:
    return _raw(
        org, "User", None, FirstName=first, LastName=last, Name=f"{first} {last}", Username=username, Email=username,
        Alias=last[:8].lower(), Title=title, IsActive=True, UserType="Standard", TimeZoneSidKey="America/New_York",
        LocaleSidKey="en_US", LanguageLocaleKey="en_US", EmailEncodingKey="UTF-8", ProfileId="00e5g000000000AAAQ",
    )  # fmt: skip


def _raw(org: Org, object_name: str, user_id: str | None, **values: Value) -> str:
    """A record as Salesforce itself makes it, when no user could."""
    object_type = org.schema.get(object_name)
    record: Record = dict.fromkeys(f.name for f in object_type.fields.values() if f.type != "address")
    record |= values
    record["Id"] = org.next_id(object_type)
    stamp(org, object_type, record, user_id or str(record["Id"]), new=True)
    org.put(object_name, record)
    return str(record["Id"])
