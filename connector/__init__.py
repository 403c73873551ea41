"""Turns won deals into paid invoices."""
