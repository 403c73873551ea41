"""What alembic runs: our migrations, on the connection that ``connector.store.migrate`` opened and locked."""

from __future__ import annotations

from alembic import context

from connector.store.health_tables import crm_account

metadata = crm_account.metadata  # of every table: that module stands on the others


def _run() -> None:
    connection = context.config.attributes["connection"]
    # The job engine's tables live beside ours and have migrations of their own.
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        include_name=lambda name, kind, _parents: kind != "table" or name in metadata.tables,
        version_table="schema_version",
    )
    with context.begin_transaction():
        context.run_migrations()


_run()
