"""Field mapping as a small library; knows no CRM, no billing, no database."""
