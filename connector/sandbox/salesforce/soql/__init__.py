"""SOQL: read, checked against the org's objects and fields, and run."""
