"""Everything we remember, on Postgres."""

from connector.store.check import check_storage
from connector.store.embedded import embedded_url
from connector.store.migrate import migrate
from connector.store.unit_of_work import PostgresStore, PostgresUnitOfWork

__all__ = ["PostgresStore", "PostgresUnitOfWork", "check_storage", "embedded_url", "migrate"]
