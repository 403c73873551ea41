"""Countries in an org with state and country picklists: name and code go together, unknown names are refused."""

from connector.sandbox.salesforce.errors import Refused
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.values import Record

COUNTRIES = {
    "AT": "Austria",
    "AU": "Australia",
    "BE": "Belgium",
    "BR": "Brazil",
    "CA": "Canada",
    "CH": "Switzerland",
    "CZ": "Czechia",
    "DE": "Germany",
    "DK": "Denmark",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GB": "United Kingdom",
    "HU": "Hungary",
    "IE": "Ireland",
    "IN": "India",
    "IS": "Iceland",
    "IT": "Italy",
    "JP": "Japan",
    "KW": "Kuwait",
    "NL": "Netherlands",
    "NO": "Norway",
    "NZ": "New Zealand",
    "PL": "Poland",
    "PT": "Portugal",
    "SE": "Sweden",
    "SG": "Singapore",
    "UG": "Uganda",
    "US": "United States",
}
_CODES = {name.casefold(): code for code, name in COUNTRIES.items()} | {code.casefold(): code for code in COUNTRIES}


def match_country(org: Org, prefix: str, record: Record, given: Record) -> None:
    """Bring the country's name and code into line with whichever of them was given."""
    name, code = f"{prefix}Country", f"{prefix}CountryCode"
    if "state_country_picklists" not in org.schema.features:
        return
    if code in given:
        record[name] = COUNTRIES.get(str(given[code])) if given[code] is not None else None
    elif name in given:
        record[code] = None if given[name] is None else _CODES.get(str(given[name]).casefold())
        if given[name] is not None and record[code] is None:
            raise Refused(
                "FIELD_INTEGRITY_EXCEPTION",
                "There's a problem with this country, even though it may appear correct. Please select a "
                "country/territory from the list of valid countries.",
                [name],
            )
        record[name] = COUNTRIES.get(str(record[code]))
