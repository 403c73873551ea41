"""The control page: people's work in HubSpot over JSON, settings of the make-believe, and looks at the state."""

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from connector.sandbox.hubspot.people import record_state, snapshot, tasks_on
from connector.sandbox.hubspot.records import Record
from connector.sandbox.hubspot.refusals import Refusal
from connector.sandbox.hubspot.rules import RequiredProperty
from connector.sandbox.hubspot.seed import seed
from connector.sandbox.hubspot.webhooks import subscriptions

if TYPE_CHECKING:
    from connector.sandbox.hubspot.vendor import HubSpot


def control_page(hubspot: "HubSpot") -> Blueprint:
    """The blueprint mounted at /control/hubspot; a refusal is HubSpot's own body with its status."""
    page = Blueprint("hubspot_control", __name__)
    _mount_records(page, hubspot)
    _mount_state(page, hubspot)
    _mount_webhooks(page, hubspot)
    _mount_settings(page, hubspot)

    @page.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> tuple[Response, int]:
        return jsonify(refusal.body()), refusal.status

    return page


def _mount_records(page: Blueprint, hubspot: "HubSpot") -> None:
    people = hubspot.people

    def shown(record: Record) -> Response:
        return jsonify(id=record.id, **record_state(hubspot.portal, record))

    @page.post("/objects/<kind>")
    def create(kind: str) -> Response:
        wanted = _json()
        return shown(people.create(kind, wanted["properties"], wanted.get("associations", ())))

    @page.patch("/objects/<kind>/<record_id>")
    def edit(kind: str, record_id: str) -> Response:
        return shown(people.edit(kind, record_id, _json()["properties"]))

    @page.delete("/objects/<kind>/<record_id>")
    def delete(kind: str, record_id: str) -> Response:
        people.delete(kind, record_id)
        return jsonify(deleted=record_id)

    @page.post("/objects/<kind>/merge")
    def merge(kind: str) -> Response:
        wanted = _json()
        return shown(people.merge(kind, wanted["primary"], wanted["other"]))

    @page.post("/associations")
    def associate() -> Response:
        _associate(remove=False)
        return jsonify(associated=True)

    @page.delete("/associations")
    def part() -> Response:
        _associate(remove=True)
        return jsonify(associated=False)

    def _associate(*, remove: bool) -> None:
        wanted = _json()
        one, other = wanted["from"], wanted["to"]
        people.associate(
            (one["type"], one["id"]),
            (other["type"], other["id"]),
            wanted.get("type_id"),
            label=wanted.get("label", ""),
            remove=remove,
        )

    @page.post("/deals")
    def deal() -> Response:
        wanted = _json()
        made = people.deal(
            wanted["deal"],
            company=wanted.get("company"),
            contact=wanted.get("contact"),
            line_items=wanted.get("line_items", ()),
        )
        return jsonify(made)


def _mount_state(page: Blueprint, hubspot: "HubSpot") -> None:
    portal = hubspot.portal

    @page.get("/state")
    def state() -> Response:
        return jsonify(snapshot(portal, request.args.get("type")))

    @page.get("/objects/<kind>/<record_id>")
    def record(kind: str, record_id: str) -> Response:
        with portal.lock:
            found = portal.find_by(portal.catalogues[kind].kind, None, record_id)
            if found is None:
                raise LookupError(f"No {kind} {record_id}")
            return jsonify(id=found.id, **record_state(portal, found))

    @page.get("/tasks/<kind>/<record_id>")
    def tasks(kind: str, record_id: str) -> Response:
        """The tasks about a record, as its page shows them."""
        return jsonify(tasks=tasks_on(portal, kind, record_id))

    @page.get("/answers")
    def answers() -> Response:
        """Answers that did not fit the document, and the kinds of answers given so far."""
        return jsonify(misfits=list(hubspot.api.misfits), answered=sorted(hubspot.api.answered))

    @page.post("/seed")
    def fill() -> Response:
        return jsonify(seed(hubspot.people, portal))


def _mount_webhooks(page: Blueprint, hubspot: "HubSpot") -> None:
    @page.get("/webhooks")
    def show_webhooks() -> Response:
        settings = hubspot.webhooks.settings
        shown = [
            {"id": one.id, "eventType": one.event_type, "propertyName": one.property_name}
            for one in settings.subscriptions
        ]
        return jsonify(target_url=settings.target_url, subscriptions=shown)

    @page.put("/webhooks")
    def set_webhooks() -> Response:
        wanted, settings = _json(), hubspot.webhooks.settings
        settings.target_url = wanted.get("target_url", settings.target_url)
        settings.key = wanted.get("secret", settings.key)
        if "subscriptions" in wanted:
            pairs = [(one["eventType"], one.get("propertyName", "")) for one in wanted["subscriptions"]]
            settings.subscriptions = subscriptions(pairs)
        return show_webhooks()

    @page.put("/workflow")
    def set_workflow() -> Response:
        wanted, action = _json(), hubspot.workflow.action
        action.url = wanted.get("url", action.url)
        action.key = wanted.get("secret", action.key)
        return jsonify(url=action.url)


def _mount_settings(page: Blueprint, hubspot: "HubSpot") -> None:
    allowances, portal = hubspot.limits.allowances, hubspot.portal

    @page.get("/limits")
    def show_limits() -> Response:
        return jsonify(
            ten_seconds=allowances.ten_seconds,
            search_second=allowances.search_second,
            daily=allowances.daily,
            search_lag=hubspot.index.lag,
        )

    @page.put("/limits")
    def set_limits() -> Response:
        wanted = _json()
        for name in ("ten_seconds", "search_second", "daily"):
            setattr(allowances, name, int(wanted.get(name, getattr(allowances, name))))
        hubspot.index.lag = float(wanted.get("search_lag", hubspot.index.lag))
        return show_limits()

    @page.put("/required")
    def require() -> Response:
        """[{"type": "deals", "property": ..., "when": {property: [values]}}]: these from now on, and no others."""
        rules = [
            RequiredProperty(
                portal.catalogues[one["type"]].kind.name,
                one["property"],
                {name: tuple(values) for name, values in one.get("when", {}).items()},
            )
            for one in _json()
        ]
        portal.required.rules[:] = rules
        return jsonify(required=[f"{one.kind}.{one.name}" for one in rules])

    @page.put("/tokens")
    def grant() -> Response:
        wanted = _json()
        hubspot.tokens.grant(wanted["token"], wanted.get("scopes"))
        return jsonify(granted=True)

    @page.put("/owners/<owner_id>")
    def change_owner(owner_id: str) -> Response:
        """{"archived": true} takes somebody out of the account; {"type": "QUEUE"} makes them a queue."""
        wanted = _json()
        hubspot.people.change_owner(owner_id, archived=bool(wanted.get("archived")), type_=wanted.get("type", "PERSON"))
        return jsonify(portal.owners[owner_id].body())

    @page.delete("/tokens")
    def revoke() -> Response:
        hubspot.tokens.revoke(_json()["token"])
        return jsonify(granted=False)

    @page.post("/properties/<kind>")
    def add_property(kind: str) -> Response:
        catalogue = portal.catalogues[kind]
        with portal.lock:
            return jsonify(catalogue.describe(catalogue.add(_json(), portal.now())))

    @page.patch("/pipelines/<pipeline_id>/stages/<stage_id>")
    def rename_stage(pipeline_id: str, stage_id: str) -> Response:
        with portal.lock:
            for stage in portal.pipelines[pipeline_id].stages:
                if stage.id == stage_id:
                    stage.label = _json()["label"]
                    return jsonify(stage.body())
        raise LookupError(f"No stage {stage_id}")


def _json() -> Any:
    return request.get_json()
