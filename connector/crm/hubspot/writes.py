"""Many records in full batches, in which one bad row spoils nothing for the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.crm.hubspot.api import BATCH, HubSpotApi, mapping, results
from connector.crm.hubspot.calls import Answer, Refused
from connector.crm.hubspot.catalog import Catalog
from connector.crm.hubspot.errors import Refusal, read_refusal
from connector.crm.hubspot.translate import OBJECT_OF_KIND, PATH_OF_OBJECT, to_text
from connector.domain.refs import RecordRef
from connector.domain.write_back import Value
from connector.errors import AccessLost, ConnectorError, NeedsHuman, Rejected, RetryLater, Unreachable, Unsupported
from connector.ports import CrmWrite, FieldCatalog, RowResult
from connector.sentences.crm import COMPUTED, FIELDS_MISSING, NO_SUCH_OPTION
from connector.sentences.hubspot import HALF_ANSWER, NOT_A_KIND
from mappings.sentence import Sentence

_IN_A_ROW = 400
"""The status a refused row of a batch would have had alone; what it is really about stands in its codes."""


@dataclass
class _Round:
    """The rows of one call to ``write``: what each should become, and what became of it."""

    rows: dict[RecordRef, dict[str, Value]] = field(default_factory=dict)
    errors: dict[RecordRef, ConnectorError | None] = field(default_factory=dict)

    def written(self) -> bool:
        """Whether HubSpot took any row."""
        return None in self.errors.values()


class BatchWriter:
    """Writes records of one HubSpot account, a hundred in one call."""

    def __init__(self, api: HubSpotApi, catalog: Catalog) -> None:
        self._api = api
        self._catalog = catalog

    def write(self, writes: Sequence[CrmWrite]) -> list[RowResult]:
        """One result per write, in order. Several writes to one record become one row, in which the last value counts.

        Raises:
            RetryLater, AccessLost: HubSpot took no request at all, so nothing is known of any row.
        """
        run = _Round()
        for each in writes:
            run.rows.setdefault(each.ref, {}).update(each.fields)
        for kind in dict.fromkeys(ref.kind for ref in run.rows):
            self._write_kind(kind, [ref for ref in run.rows if ref.kind == kind], run)
        return [RowResult(each.ref, run.errors[each.ref]) for each in writes]

    def _write_kind(self, kind: str, refs: Sequence[RecordRef], run: _Round) -> None:
        name = OBJECT_OF_KIND.get(kind)
        if name is None:
            error = Unsupported.because(NOT_A_KIND, provider="hubspot", kind=kind)
            run.errors.update(dict.fromkeys(refs, error))
            return
        ready: dict[str, dict[str, str]] = {}
        for ref in refs:
            try:
                ready[ref.id] = self._texts(ref, name, run.rows[ref])
            except NeedsHuman as error:
                run.errors[ref] = error
        waiting = [ref for ref in refs if ref.id in ready]
        for ref in [ref for ref in waiting if not ready[ref.id]]:
            run.errors[ref] = None  # nothing to set: HubSpot would refuse an empty row
            waiting.remove(ref)
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            try:
                self._write_batch(PATH_OF_OBJECT[name], batch, ready, run)
            except (RetryLater, AccessLost) as error:
                # The next batch would meet the same closed door.
                self._give_up(error, [ref for ref in run.rows if ref not in run.errors], run)
                return

    def _write_batch(
        self, path: str, refs: Sequence[RecordRef], ready: Mapping[str, Mapping[str, str]], run: _Round
    ) -> None:
        """Write these rows. A batch that is refused whole is halved until the rows that spoil it stand alone."""
        if not refs:
            return
        try:
            answer = self._api.update(path, {ref.id: ready[ref.id] for ref in refs})
        except Refused as refused:
            if isinstance(refused.error, RetryLater | AccessLost):
                raise refused.error from None
            if len(refs) == 1:
                run.errors[refs[0]] = refused.refusal.error(refs[0])
                return
            guilty = _guilty(refused.refusal, refs, ready)
            for ref in guilty:
                run.errors[ref] = refused.refusal.error(ref)
            left = [ref for ref in refs if ref not in guilty]
            parts = [left] if guilty else [left[: len(left) // 2], left[len(left) // 2 :]]
            for part in parts:
                self._write_batch(path, part, ready, run)
            return
        _note(answer, refs, run)

    def _give_up(self, error: ConnectorError, refs: Sequence[RecordRef], run: _Round) -> None:
        if not run.written():
            raise error
        run.errors.update(dict.fromkeys(refs, error))

    def _texts(self, ref: RecordRef, name: str, fields: Mapping[str, Value]) -> dict[str, str]:
        """The row as HubSpot takes it, refused here where HubSpot is bound to refuse it.

        Raises:
            Rejected: the account lacks a property, computes it itself, or has no such option.
        """
        texts, problem = _fitted(self._catalog.of(name), ref, name, fields)
        if problem is not None:  # someone may just have mended it
            texts, problem = _fitted(self._catalog.fresh(name), ref, name, fields)
        if problem is not None:
            raise problem
        return texts


def _fitted(
    catalog: FieldCatalog, ref: RecordRef, name: str, fields: Mapping[str, Value]
) -> tuple[dict[str, str], Rejected | None]:
    missing = [each for each in fields if each not in catalog.fields]
    if missing:
        names = ", ".join(f"{name}.{each}" for each in missing)
        return {}, _rejected(FIELDS_MISSING, ref, crm="HubSpot", names=names, setup="hubspot")
    texts: dict[str, str] = {}
    for each, value in fields.items():
        info = catalog.fields[each]
        if not info.writable:
            return {}, _rejected(COMPUTED, ref, crm="HubSpot", name=f"{name}.{each}")
        texts[each] = to_text(value, info)
        chosen = {*texts[each].split(";")} - {""}
        if info.type == "choice" and info.choices and not chosen <= {*info.choices}:
            return {}, _rejected(NO_SUCH_OPTION, ref, name=f"{name}.{each}", setup="hubspot")
    return texts, None


def _rejected(sentence: Sentence, ref: RecordRef, **values: str) -> Rejected:
    return Rejected.because(sentence, ref=ref, provider="hubspot", field="", evidence=None, **values)


def _guilty(refusal: Refusal, refs: Sequence[RecordRef], ready: Mapping[str, Mapping[str, str]]) -> list[RecordRef]:
    """The rows that a refused batch names, or all that carry a property HubSpot will take from nobody."""
    if refusal.about_property():
        named = [ref for ref in refs if set(refusal.properties) & ready[ref.id].keys()]
    else:
        named = [ref for ref in refs if ref.id in refusal.ids]
    return named


def _note(answer: Answer, refs: Sequence[RecordRef], run: _Round) -> None:
    """What became of each row: those in ``results`` are written, those that ``errors`` names are refused."""
    taken = {str(each.get("id")) for each in results(answer.body)}
    refusals = [read_refusal(_IN_A_ROW, mapping(each)) for each in answer.body.get("errors") or ()]
    for ref in refs:
        refusal = next((each for each in refusals if ref.id in each.ids), None)
        if refusal is None and ref.id in taken:
            run.errors[ref] = None
        elif refusal is None:
            unnamed = next((each for each in refusals if not each.ids), None)
            run.errors[ref] = unnamed.error(ref) if unnamed else _not_told(ref)
        else:
            run.errors[ref] = refusal.error(ref)


def _not_told(ref: RecordRef) -> Unreachable:
    return Unreachable.because(HALF_ANSWER, provider="hubspot", ref=ref, what="what became of this record")
