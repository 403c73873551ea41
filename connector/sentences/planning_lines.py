"""Why one line of a deal cannot be billed as it stands: its price, its quantity, its amount, its span."""

from __future__ import annotations

from mappings.sentence import Sentence, Who

PRICE_UNKNOWN = Sentence(
    id="line-price-unknown",
    text="“{line}” names the price {price}, which billing does not sell (any more).",
    fix="Correct the price id on the product, or empty it.",
    cause="The price id on a CRM product is wrong, archived, or from another billing account.",
    who=Who.ADMIN,
    field="product.price_id",
)

PRICE_CURRENCY = Sentence(
    id="line-price-currency",
    text="“{line}” is sold in {currency}, but its price is in {other}.",
    fix="Name a price in the deal's currency.",
    cause="The product names a catalogue price in another currency than the deal's.",
    who=Who.ADMIN,
    field="product.price_id",
)

PRICE_WITHOUT_AMOUNT = Sentence(
    id="line-price-not-countable",
    text="The price of “{line}” is sold in packages or for an amount the payer chooses, which a deal cannot foresee.",
    fix="Name a flat, tiered or metered price for this product.",
    cause="A catalogue price has neither a unit amount nor tiers.",
    who=Who.ADMIN,
    field="product.price_id",
)

NO_INTERVAL = Sentence(
    id="line-without-frequency",
    text="“{line}” does not say how often it is billed.",
    fix="Set the billing frequency on the line or on its product (or choose One-time).",
    cause="A line names neither a frequency nor a price that has one.",
    who=Who.SALES,
    field="line.interval",
)

INTERVAL_CONTRADICTS = Sentence(
    id="line-frequency-contradicts-price",
    text="“{line}” is sold {sold}, but its price recurs {recurs}.",
    fix="Make the line's billing frequency and the price's agree.",
    cause="A line's frequency is not that of the catalogue price it is billed by.",
    who=Who.SALES,
    field="line.interval",
)

INTERVAL_TOO_LONG = Sentence(
    id="line-frequency-too-long",
    text="A line recurs {interval}; billing can recur at most every three years.",
    fix="Bill it yearly and set the term instead.",
    cause="A price recurs at least every three years.",
    who=Who.SALES,
    field="line.interval",
)

BAD_INTERVAL = Sentence(
    id="line-frequency-unusable",
    text="“{line}” recurs {interval}, which makes no sense.",
    fix="Correct the billing frequency.",
    cause="A frequency of zero or fewer periods.",
    who=Who.SALES,
    field="line.interval",
)

PRICE_PERIOD = Sentence(
    id="line-price-period",
    text="“{line}” is priced {priced} and billed {billed}, which cannot be converted exactly.",
    fix="Use a pricing period that divides the billing frequency, in months and years or in days and weeks.",
    cause="The period that the price is for does not go into the billing frequency.",
    who=Who.SALES,
    field="line.price_interval",
)

BAD_QUANTITY = Sentence(
    id="line-quantity",
    text="“{line}” has a quantity of {quantity}.",
    fix="Set a quantity above zero, or remove the line.",
    cause="A line's quantity is zero or negative, which only an amendment may have.",
    who=Who.SALES,
    field="line.quantity",
)

BELOW_ZERO = Sentence(
    id="line-below-zero",
    text="“{line}” comes to less than zero.",
    fix="Give the discount on the line it belongs to.",
    cause="A line's price or total is negative, or its discount is more than its price.",
    who=Who.SALES,
    field="line.total",
)

TOTAL_CONTRADICTS = Sentence(
    id="line-total-contradicts",
    text="“{line}”: quantity times price is {worked_out}, but the line's total says {total}.",
    fix="Correct the price, the discount or the total, so that they agree.",
    cause="The CRM's total of a line is not its quantity times its net price.",
    who=Who.SALES,
    field="line.total",
)

DOES_NOT_FIT = Sentence(
    id="line-amount-does-not-fit",
    text="“{line}”: {why}.",
    fix="Round the price so that the line's total fits the currency.",
    cause="A line comes to a part of the currency's smallest unit, in one billing period.",
    who=Who.SALES,
    field="line.unit_price",
)

CATALOGUE_DISCOUNT = Sentence(
    id="line-catalogue-discount",
    text="“{line}” is billed by a tiered or metered price, which a discount cannot change.",
    fix="Name another price that holds the discount, or take the discount away.",
    cause="A line, or the whole deal, has a discount, but the line's catalogue price decides its amount.",
    who=Who.SALES,
    field="line.discount_percent",
)

CATALOGUE_AMOUNT = Sentence(
    id="line-catalogue-amount",
    text="“{line}” comes to {sold} on the deal, but to {catalogue} by its price's tiers.",
    fix="Set the line's price to what the tiers give, or to zero to let them decide.",
    cause="The amount of a line with a tiered price is not what its tiers come to.",
    who=Who.SALES,
    field="line.unit_price",
)

CATALOGUE_RATE = Sentence(
    id="line-metered-rate",
    text="“{line}” is sold at {sold} per unit, but its metered price is {catalogue}.",
    fix="Set the line's price to the catalogue's, or to zero.",
    cause="A line with a metered price names another rate than the one usage will be billed at.",
    who=Who.SALES,
    field="line.unit_price",
)

TIERS_NEED_WHOLE = Sentence(
    id="line-tiers-whole",
    text="“{line}” has a quantity of {quantity}, and tiers count whole units only.",
    fix="Use a whole quantity.",
    cause="A fractional quantity of a tiered price.",
    who=Who.SALES,
    field="line.quantity",
)

TIERS_ROUND = Sentence(
    id="line-tiers-round",
    text="“{line}” comes to a broken amount by its price's tiers, which billing would round.",
    fix="Use another quantity, or tiers whose amounts are whole.",
    cause="The unit amounts of a tiered price have decimals that do not add up to whole minor units.",
    who=Who.ADMIN,
    field="product.price_id",
)

TOO_SOON = Sentence(
    id="line-starts-before-deal",
    text="“{line}” starts on {start}, before the deal does on {begins}.",
    fix="Correct the line's start, or the deal's.",
    cause="A line starts earlier than its contract.",
    who=Who.SALES,
    field="line.start",
)

TOO_LATE = Sentence(
    id="line-outlasts-deal",
    text="“{line}” lasts until {end}, longer than the contract, which ends on {contract_end}.",
    fix="Correct the line's end or term, or the deal's.",
    cause="A line is served longer than its contract runs.",
    who=Who.SALES,
    field="line.end",
)

EMPTY_SPAN = Sentence(
    id="line-without-days",
    text="“{line}” starts on {start} and would end on {end}: there is no day to serve.",
    fix="Correct the line's start, end or term.",
    cause="A line ends before it starts, or starts when the contract is over.",
    who=Who.SALES,
    field="line.end",
)

NOT_WHOLE = Sentence(
    id="line-span-not-whole",
    text="“{line}” runs from {start} to {end}, which is not a whole number of periods of {interval}.",
    fix="End it on {fits}, or bill it in periods that fit.",
    cause="What is left after the last full billing period of a line cannot be billed exactly.",
    who=Who.SALES,
    field="line.end",
)

PART_NOT_WHOLE = Sentence(
    id="line-months-not-whole",
    text="“{line}” changes its price on {day}, in the middle of a period of {interval}.",
    fix="Let free and discounted months be whole billing periods.",
    cause="The free or discounted months of a line do not end when a billing period does.",
    who=Who.SALES,
    field="line.discount_months",
)

MILESTONE_RECURS = Sentence(
    id="line-milestone-recurs",
    text="“{line}” recurs, so it cannot be billed on one day.",
    fix="Make it one-time, or empty the day it is billed on.",
    cause="A milestone's day stands on a recurring line.",
    who=Who.SALES,
    field="line.bill_on",
)

CREDITS_RECUR = Sentence(
    id="line-credits-recur",
    text="“{line}” recurs, so its credits cannot be granted once.",
    fix="Sell prepaid credits on a one-time line.",
    cause="A credit amount stands on a recurring line.",
    who=Who.SALES,
    field="line.credit_amount",
)

CREDITS_UNUSABLE = Sentence(
    id="line-credits-unusable",
    text="“{line}” buys credits of {amount} {currency}, which cannot be granted.",
    fix="Use an amount above zero that fits the currency.",
    cause="A credit amount is not above zero, or finer than the currency's smallest unit.",
    who=Who.SALES,
    field="line.credit_amount",
)

NOTE_AS_TOTAL = Sentence(
    id="line-billed-as-total",
    text="“{line}” is billed as one line of its total.",
    fix="Nothing; the invoice names the quantity in its description.",
    cause="The quantity is not whole, or the total does not divide by it.",
    who=Who.FINANCE,
)

NOTE_METERED = Sentence(
    id="line-billed-by-usage",
    text="“{line}” is billed by what is used.",
    fix="Nothing; its amount is known only when the period is over.",
    cause="The line's catalogue price is metered.",
    who=Who.FINANCE,
)
