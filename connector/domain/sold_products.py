"""Which products the lines of a change are sold as, and which of them must be made first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.domain.billing_plan import (
    Catalogue,
    ChangeSubscription,
    InlinePrice,
    MakeProduct,
    PlannedLine,
    PriceChoice,
    Step,
    StepKey,
)


def needed(products: Iterable[MakeProduct], steps: Iterable[Step]) -> tuple[MakeProduct, ...]:
    """Those products that a line of the steps is sold as, each once."""
    sold = set(_sold_as(steps))
    once = {product.key: product for product in products}
    return tuple(product for key, product in once.items() if key in sold)


def product_of(price: PriceChoice, catalogue: Catalogue) -> str | StepKey:
    """What is sold at the price. A catalogue price that a plan names stands in the catalogue it was planned with."""
    if isinstance(price, InlinePrice):
        return price.product
    prices = (*catalogue.by_id.values(), *catalogue.by_lookup_key.values())
    return next(each.product_id for each in prices if each.ref.id == price.price_id)


def _sold_as(steps: Iterable[Step]) -> Iterator[str | StepKey]:
    for step in steps:
        lines: Iterable[PlannedLine | None]
        match step:
            case ChangeSubscription():
                later = [change for phase in step.later for change in phase.changes]
                lines = [change.line for change in (*step.changes, *later)]
            case _:
                lines = getattr(step, "lines", ())
        for line in lines:
            if line is not None and isinstance(line.price, InlinePrice):
                yield line.price.product
