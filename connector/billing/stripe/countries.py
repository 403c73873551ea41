"""Country names as CRMs have them (free text in HubSpot, a picklist in Salesforce) to the codes that Stripe takes.

Stripe refuses a customer whose country it does not know, so a name that is not here is left out of the address.
"""

from __future__ import annotations

_NAMES = """
AE United Arab Emirates|UAE
AR Argentina
AT Austria|Österreich
AU Australia
BE Belgium|Belgique|België
BG Bulgaria
BR Brazil|Brasil
CA Canada
CH Switzerland|Schweiz|Suisse|Svizzera
CL Chile
CN China|People's Republic of China
CO Colombia
CR Costa Rica
CY Cyprus
CZ Czechia|Czech Republic
DE Germany|Deutschland
DK Denmark|Danmark
EE Estonia
EG Egypt
ES Spain|España
FI Finland|Suomi
FR France
GB United Kingdom|UK|Great Britain|England|Scotland|Wales|Northern Ireland
GI Gibraltar
GR Greece
HK Hong Kong
HR Croatia
HU Hungary
ID Indonesia
IE Ireland|Republic of Ireland
IL Israel
IN India
IS Iceland
IT Italy|Italia
JP Japan
KE Kenya
KR South Korea|Republic of Korea|Korea
KW Kuwait
LI Liechtenstein
LT Lithuania
LU Luxembourg
LV Latvia
MA Morocco
MT Malta
MX Mexico|México
MY Malaysia
NG Nigeria
NL Netherlands|The Netherlands|Nederland|Holland
NO Norway|Norge
NZ New Zealand
PE Peru|Perú
PH Philippines
PL Poland|Polska
PT Portugal
QA Qatar
RO Romania
RS Serbia
SA Saudi Arabia
SE Sweden|Sverige
SG Singapore
SI Slovenia
SK Slovakia
TH Thailand
TR Turkey|Türkiye
TW Taiwan
UA Ukraine
UG Uganda
US United States|United States of America|USA|U.S.A.|U.S.
UY Uruguay
VN Vietnam|Viet Nam
ZA South Africa
"""

_CODES = {
    name.casefold(): line[:2] for line in _NAMES.strip().splitlines() for name in (line[:2], *line[3:].split("|"))
}


def country_code(country: str) -> str:
    """The two-letter code for a code or a name; empty when it is neither."""
    text = country.strip()
    if len(text) == 2 and text.isascii() and text.isalpha():
        return _CODES.get(text.casefold(), text.upper())
    return _CODES.get(text.casefold(), "")
