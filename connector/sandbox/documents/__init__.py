"""What each vendor accepts and answers, derived from the installed SDKs on first use; no vendor file is copied."""
