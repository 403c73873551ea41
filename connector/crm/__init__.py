"""The CRMs we know, one folder each. A third one is its folder and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connector.crm import hubspot, salesforce
from connector.ports import CrmProvider

CRMS: Mapping[str, CrmProvider] = MappingProxyType(
    {provider.name: provider for provider in (salesforce.provider, hubspot.provider)}
)
