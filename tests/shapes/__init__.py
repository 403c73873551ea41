"""Random deals, planned, foreseen, and billed by the sandbox's Stripe: all three must agree to the minor unit."""
