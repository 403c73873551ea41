"""What is wrong with a file of past invoices, or with what was asked about it."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

FILE_UNREADABLE = Sentence(
    id="invoices-file-unreadable",
    text="{file} cannot be read ({problem}).",
    fix="Name a file that is there and that you may read.",
    cause="`connector health evaluate --invoices` or `connector health assess --invoices` names a file that cannot be "
    "opened.",
    who=Who.FINANCE,
)
NOT_TEXT = Sentence(
    id="invoices-file-encoding",
    text="{file} is not {encoding} text: it breaks after line {line}.",
    fix="Save it as “CSV UTF-8”, or say how it is written with --encoding, cp1252 for most of what Excel saves.",
    cause="The file was saved with other letters than those that the command was told to expect.",
    who=Who.FINANCE,
)
NUL = Sentence(
    id="invoices-file-binary",
    text="Line {line} of {file} holds a NUL character, which no CSV does.",
    fix="Export it again as CSV; a workbook (.xlsx) has to be saved as CSV first.",
    cause="The file is no text: a workbook, or text in an encoding that its first bytes do not tell.",
    who=Who.FINANCE,
)
LINE_TOO_LONG = Sentence(
    id="invoices-line-too-long",
    text="Line {line} of {file} is longer than {limit} characters.",
    fix="Export one invoice a line, and only the columns that are needed.",
    cause="The file has no line ends, or holds something else than invoices.",
    who=Who.FINANCE,
)
RECORD_TOO_LONG = Sentence(
    id="invoices-record-too-long",
    text="The invoice that begins on line {line} of {file} goes on for more than {limit} lines.",
    fix="Look for a quotation mark on that line that is never closed.",
    cause="A cell that begins with a quotation mark reaches up to the next one, over line ends as well.",
    who=Who.FINANCE,
)
QUOTES_BROKEN = Sentence(
    id="invoices-quotes-broken",
    text="The invoice that begins on line {line} of {file} cannot be taken apart into cells.",
    fix="Look at its quotation marks: one within a quoted cell is written twice.",
    cause="The line is not written as CSV says: a quoted cell does not end, or goes on behind its quotation mark.",
    who=Who.FINANCE,
)
TOO_MANY = Sentence(
    id="invoices-file-too-large",
    text="{file} has more than {limit} invoices.",
    fix="Take the last three years, or a part of the customers.",
    cause="The file is read into memory as a whole, which is bounded.",
    who=Who.FINANCE,
)
EMPTY = Sentence(
    id="invoices-file-empty",
    text="{file} holds no invoice.",
    fix="Export invoices with a heading line, and amounts above 0.",
    cause="The file is empty, has only a heading, or holds nothing but credit notes, zero amounts and skipped rows.",
    who=Who.FINANCE,
)
COLUMN_MISSING = Sentence(
    id="invoices-column-missing",
    text="{file} has no column for {missing}. It has: {found}.",
    fix="Name it, as in --column {example}=“Your column”.",
    cause="A file of invoices needs to say for each when it was issued, when it was due, when it was paid, how much it "
    "was and whose it was.",
    who=Who.FINANCE,
)
COLUMN_TWICE = Sentence(
    id="invoices-column-ambiguous",
    text="{file} has several columns that may be {column}: {found}.",
    fix="Say which one it is, as in --column {column}=“{example}”; of two with the same name, rename one.",
    cause="Two columns have the same name, or two names that both usually mean the same.",
    who=Who.FINANCE,
)
COLUMN_UNKNOWN = Sentence(
    id="invoices-column-unknown",
    text="{file} has no column {name}. It has: {found}.",
    fix="Copy the name from the file's first line.",
    cause="--column names a heading that the file does not have.",
    who=Who.FINANCE,
)
COLUMN_OPTION = Sentence(
    id="invoices-column-option",
    text="{text} does not say which column is meant.",
    fix="Write it as --column due=DueInDate, with one of: {columns}.",
    cause="--column takes one of our words, an equals sign and a heading of the file.",
    who=Who.FINANCE,
)
DATE_FORMAT = Sentence(
    id="invoices-date-format",
    text="{text} is no format of a date.",
    fix="Write day, month and year as in --date-format DD/MM/YYYY, or as in --date-format %d/%m/%Y.",
    cause="--date-format must name the day, the month and the year, once each.",
    who=Who.FINANCE,
)
CURRENCY_OPTION = Sentence(
    id="invoices-currency-option",
    text="{text} is no currency.",
    fix="Write its three letters, as in --currency EUR.",
    cause="--currency stands for all invoices of a file that names none itself.",
    who=Who.FINANCE,
)
BAD_ROWS = Sentence(
    id="invoices-rows-unreadable",
    text="{file} has invoices that cannot be read:\n{problems}",
    fix="Correct them, or leave them out with --skip-bad-rows.",
    cause="Some lines of the file say something that cannot be an invoice. Nothing is worked out from a part of it "
    "unless you say so.",
    who=Who.FINANCE,
)
CURRENCY_MISSING = Sentence(
    id="invoices-currency-missing",
    text="{file} does not say what currency its invoices are in.",
    fix="Say it for all, as in --currency EUR, or which column holds it, as in --column currency=“Your column”.",
    cause="No column is known to hold the currency, or it is empty on every line. Amounts of several currencies are "
    "never added, so none is assumed.",
    who=Who.FINANCE,
)
DATES_OF_ANOTHER_FORM = Sentence(
    id="invoices-dates-form",
    text="{file} writes its dates as in {text}, which is not read unless you say how.",
    fix="Add {options}.",
    cause="Dates are read as year-month-day; these are all of one other form. Where two forms would do, the "
    "file itself does not tell whether day or month comes first.",
    who=Who.FINANCE,
)
NO_SUCH_CUSTOMER = Sentence(
    id="invoices-customer-unknown",
    text="There is no invoice of {customer} by {day}.",
    fix="Write the customer exactly as the file or the ledger does.",
    cause="`connector health assess --customer` names somebody who has no invoice that was issued by that day.",
    who=Who.FINANCE,
)
ROW_CELLS = Sentence(
    id="invoice-row-cells",
    text="Line {line} has {cells} cells and the heading has {columns}.",
    fix="Put a cell that holds the delimiter in quotation marks.",
    cause="A delimiter within a cell, or a line that was cut.",
    who=Who.FINANCE,
)
ROW_EMPTY = Sentence(
    id="invoice-row-empty",
    text="Line {line}: {column} is empty.",
    fix="Fill it in; only {may_be_empty} may be empty.",
    cause="Every invoice has a customer, a date of issue, a due date and an amount.",
    who=Who.FINANCE,
)
ROW_DATE = Sentence(
    id="invoice-row-date",
    text="Line {line}: {column} is {text}, which is no date we can be sure of.",
    fix="Write 2026-01-31, or say how dates are written with --date-format, as in --date-format DD/MM/YYYY.",
    cause="Dates are read as year-month-day. Anything else could mean two days and is not guessed.",
    who=Who.FINANCE,
)
ROW_DATE_RANGE = Sentence(
    id="invoice-row-date-range",
    text="Line {line}: {column} is {text}, which is before 1970 or after 2100.",
    fix="Leave the paid date empty where an invoice was never paid, and correct the others.",
    cause="Systems write days like 1900-01-01 or 9999-12-31 where they know none.",
    who=Who.FINANCE,
)
ROW_AMOUNT = Sentence(
    id="invoice-row-amount",
    text="Line {line}: the amount is {text}, which is no number.",
    fix="Write 1234.56, with the currency in a column of its own or with --currency.",
    cause="The amount's cell holds something else than digits, a sign, a decimal mark and marks between thousands.",
    who=Who.FINANCE,
)
ROW_AMOUNT_UNCLEAR = Sentence(
    id="invoice-row-amount-unclear",
    text="Line {line}: the amount {text} may mean {one} or {other}.",
    fix="Say which mark stands before the decimals with --decimal point or --decimal comma.",
    cause="A single mark before three digits may stand between thousands or before decimals. It is not guessed.",
    who=Who.FINANCE,
)
ROW_AMOUNT_DECIMALS = Sentence(
    id="invoice-row-amount-decimals",
    text="Line {line}: the amount {text} has more decimals than {currency} has.",
    fix="Write it in whole minor units, or say which mark stands before the decimals with --decimal.",
    cause="Amounts are exact and never rounded in silence.",
    who=Who.FINANCE,
)
ROW_CURRENCY = Sentence(
    id="invoice-row-currency",
    text="Line {line}: {text} is no currency.",
    fix="Write its three letters, as in EUR; for a file of one currency without such a column, say --currency EUR.",
    cause="Amounts of several currencies are never added, so each invoice must say its own.",
    who=Who.FINANCE,
)
ROW_DISPUTED = Sentence(
    id="invoice-row-disputed",
    text="Line {line}: disputed is {text}, which is neither yes nor no.",
    fix="Write yes, no, true, false, 1 or 0, or leave it empty for no.",
    cause="The column says whether the customer contests the invoice.",
    who=Who.FINANCE,
)
