"""What kind of tax id an account's is, in Stripe's words: by its country and its form.

Source of the kinds: the installed SDK's own list (customers.create, ``tax_id_data[].type``); of the forms:
docs.stripe.com/billing/customer/tax-ids. Stripe checks a number itself, later and without our waiting for it.
"""

from __future__ import annotations

import re
from typing import get_args, get_type_hints

from stripe.params import CustomerCreateParamsTaxIdDatum

from connector.domain.refs import RecordRef
from connector.errors import CannotBill
from connector.sentences import billing as sentences

KINDS = frozenset(
    kind
    for union in get_args(get_type_hints(CustomerCreateParamsTaxIdDatum)["type"])
    for kind in get_args(union)
    if isinstance(kind, str)
)
"""Every kind that Stripe takes."""

EUROPEAN_UNION = frozenset(re.findall("..", "ATBEBGCYCZDEDKEEELESFIFRGRHRHUIEITLTLULVMTNLPLPTROSESISKXI"))
"""Prefixes of a VAT number of the Union, and the country codes behind them: Greece has two, Northern Ireland is XI."""

_EU_VAT = re.compile(r"(?:" + "|".join(sorted(EUROPEAN_UNION - {"GR"})) + r")[0-9A-Z+*]{8,12}")

_FORMS = """
AE ae_trn \\d{15}
AR ar_cuit \\d{11}
AU au_abn \\d{11}
BH bh_vat \\d{15}
BR br_cnpj \\d{14}
BR br_cpf \\d{11}
CA ca_gst_hst \\d{9}RT\\d{4}
CA ca_qst \\d{10}TQ\\d{4}
CA ca_bn \\d{9}
CH ch_vat CHE\\d{9}(?:MWST|TVA|IVA)
CH ch_uid CHE\\d{9}
CL cl_tin \\d{7,8}[0-9K]
CN cn_tin [0-9A-Z]{18}
CO co_nit \\d{10}
EG eg_tin \\d{9}
GB gb_vat GB(?:\\d{9}|\\d{12}|GD\\d{3}|HA\\d{3})
GE ge_vat \\d{9}
HK hk_br \\d{8}
ID id_npwp \\d{15,16}
IL il_vat \\d{9}
IN in_gst \\d{2}[A-Z]{5}\\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]
IS is_vat \\d{5,6}
JP jp_trn T\\d{13}
JP jp_cn \\d{13}
KE ke_pin [A-Z]\\d{9}[A-Z]
KR kr_brn \\d{10}
KZ kz_bin \\d{12}
LI li_uid CHE\\d{9}
LI li_vat \\d{5}
MA ma_vat \\d{8}
MX mx_rfc [A-Z&Ñ]{3,4}\\d{6}[0-9A-Z]{3}
MY my_frp \\d{8}
NG ng_tin \\d{12}
NO no_vat \\d{9}MVA
NZ nz_gst \\d{8,9}
OM om_vat OM\\d{10}
PE pe_ruc \\d{11}
PH ph_tin \\d{12}
RS rs_pib \\d{9}
SA sa_vat \\d{15}
SG sg_gst M\\d{8}X
SG sg_uen \\d{8,9}[A-Z]
TH th_vat \\d{13}
TR tr_tin \\d{10}
TW tw_vat \\d{8}
UA ua_vat \\d{12}
UG ug_tin \\d{10}
US us_ein \\d{9}
UY uy_ruc \\d{12}
VN vn_tin \\d{10}
ZA za_vat 4\\d{9}
"""

_BY_COUNTRY: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
for _line in _FORMS.strip().splitlines():
    _country, _kind, _form = _line.split(maxsplit=2)
    _BY_COUNTRY.setdefault(_country, []).append((_kind, re.compile(_form)))

_PUNCTUATION = re.compile(r"[\s./-]")
_STATED = re.compile(r"([a-z]{2}_[a-z_]+)\s*:\s*(\S.*)")

_NAMES_ITS_COUNTRY = ("GB", "CH", "NO", "OM")
"""Countries whose numbers cannot be taken for another's, so that they are known without an address."""


def tax_id(text: str, country: str, owner: RecordRef) -> tuple[str, str]:
    """Kind and value of the tax id on ``owner``'s record; ``country`` is the two-letter code of its address, if any.

    The record may say the kind itself: ``es_cif:A12345678``.

    Raises:
        CannotBill: it has no form that the country uses.
    """
    written = " ".join(text.split())
    stated = _STATED.fullmatch(written)
    if stated is not None and stated[1] in KINDS:
        return stated[1], stated[2]
    plain = _PUNCTUATION.sub("", written).upper()
    if _EU_VAT.fullmatch(plain) and country in {"", plain[:2], *_other_names(plain[:2])}:
        return "eu_vat", plain
    for each in [country] if country else _NAMES_ITS_COUNTRY:
        for kind, form in _BY_COUNTRY.get(each, ()):
            if form.fullmatch(plain):
                return kind, plain if kind in {"gb_vat", "in_gst"} else written
    if _EU_VAT.fullmatch(plain):  # registered for VAT in another country than its address
        return "eu_vat", plain
    raise CannotBill.because(
        sentences.TAX_ID_UNKNOWN,
        ref=owner,
        country=country or "a country that is not known",
        kinds=", ".join(kinds_of(country)),
    )


def kinds_of(country: str) -> list[str]:
    """The kinds that a country uses; all of them when it has none of its own."""
    own = sorted(kind for kind in KINDS if country and kind.startswith(f"{country.lower()}_"))
    if country in EUROPEAN_UNION:
        own = ["eu_vat", *own]
    return own or sorted(KINDS)


def _other_names(prefix: str) -> tuple[str, ...]:
    return {"EL": ("GR",), "XI": ("GB",)}.get(prefix, ())
