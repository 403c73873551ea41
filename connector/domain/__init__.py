"""Values and decisions; no network, no database, no clock."""
