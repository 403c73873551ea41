"""The history of our tables, applied by ``connector.store.migrate``."""
