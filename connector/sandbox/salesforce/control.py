"""The control API of the make-believe Salesforce: a person's hands, an admin's switches, and dumps for assertions."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, request

from connector.sandbox.salesforce.custom_fields import add_field, home_of
from connector.sandbox.salesforce.features import (
    rename_stage,
    set_decimals,
    set_stage,
    use_currencies,
    use_person_accounts,
    use_state_country_picklists,
)
from connector.sandbox.salesforce.grants import grant_field
from connector.sandbox.salesforce.oauth import Client, Logins
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.outbound import Outbound, OutboundRule
from connector.sandbox.salesforce.people import People
from connector.sandbox.salesforce.rules_tasks import TaskWord, use_words
from connector.sandbox.salesforce.seed import CLIENT_KEY, CLIENT_SECRET
from connector.sandbox.salesforce.settings import DuplicateRule, Settings, ValidationRule


def control_blueprint(org: Org, people: People, logins: Logins, outbound: Outbound) -> Blueprint:
    """Everything under /control/salesforce; a refusal is a 400 with Salesforce's own sentence."""
    blueprint = Blueprint("salesforce_control", __name__)
    _mount_records(blueprint, people)
    _mount_settings(blueprint, org)
    _mount_fields(blueprint, org, people)
    _mount_clients(blueprint, org, logins)
    _mount_outbound(blueprint, outbound)

    @blueprint.get("/organization")
    def show_organization() -> Response:
        return jsonify(
            organization_id=org.id, client_id=CLIENT_KEY, client_secret=CLIENT_SECRET, **asdict(people.seeded)
        )

    return blueprint


def _mount_records(blueprint: Blueprint, people: People) -> None:
    @blueprint.get("/records/<name>")
    def list_records(name: str) -> Response:
        return jsonify(records=people.read_all(name, deleted=request.args.get("deleted") == "1"))

    @blueprint.get("/records/<name>/<record_id>")
    def show_record(name: str, record_id: str) -> Response:
        return jsonify(people.read(name, record_id))

    @blueprint.post("/records/<name>")
    def create_record(name: str) -> Response:
        return jsonify(id=people.create(name, _body(), request.args.get("by")))

    @blueprint.patch("/records/<name>/<record_id>")
    def edit_record(name: str, record_id: str) -> Response:
        people.update(name, record_id, _body(), request.args.get("by"))
        return jsonify(people.read(name, record_id))

    @blueprint.delete("/records/<name>/<record_id>")
    def delete_record(name: str, record_id: str) -> Response:
        people.delete(name, record_id, request.args.get("by"))
        return jsonify(id=record_id)

    @blueprint.get("/tasks/<record_id>")
    def list_tasks(record_id: str) -> Response:
        return jsonify(tasks=people.tasks(record_id))

    @blueprint.post("/deals")
    def create_deal() -> Response:
        return jsonify(people.create_deal(_body(), request.args.get("by")))

    @blueprint.post("/merge")
    def merge() -> Response:
        body = _body()
        losers = body["losers"]
        if not isinstance(losers, list):
            raise TypeError("losers is a list of record ids")
        people.merge(str(body["object"]), str(body["master"]), [str(one) for one in losers])
        return jsonify(people.read(str(body["object"]), str(body["master"])))


def _mount_settings(blueprint: Blueprint, org: Org) -> None:
    @blueprint.get("/settings")
    def show_settings() -> Response:
        shown = asdict(org.settings)
        shown["session_lifetime"] = org.settings.session_lifetime.total_seconds()
        return jsonify({**shown, "features": sorted(org.schema.features)})

    @blueprint.patch("/settings")
    def change_settings() -> Response:
        with org.lock:
            for name, value in _body().items():
                _set(org, name, value)
        return show_settings()

    @blueprint.post("/stages")
    def add_stage() -> Response:
        body = _body()
        with org.lock:
            if "rename" in body:
                rename_stage(org, str(body["rename"]), str(body["to"]))
            else:
                set_stage(
                    org,
                    str(body["name"]),
                    closed=bool(body.get("closed", False)),
                    won=bool(body.get("won", False)),
                    probability=int(str(body.get("probability", 50))),
                    forecast=str(body.get("forecast", "Pipeline")),
                    active=bool(body.get("active", True)),
                )
            return jsonify(stages=[row["ApiName"] for row in org.rows("OpportunityStage")])

    @blueprint.put("/task-words/<name>")
    def set_task_words(name: str) -> Response:
        """`TaskStatus` or `TaskPriority`: [{"name": ..., "means": true, "default": true}], these and no others."""
        with org.lock:
            use_words(org, name, [TaskWord(**one) for one in _body()["words"]])
            return jsonify(words=[row["ApiName"] for row in org.rows(name)])


def _set(org: Org, name: str, value: object) -> None:
    """Change one setting; raises ValueError for a name or a value that makes no sense."""
    known = {one.name for one in fields(Settings)}
    if name == "multi_currency":
        use_currencies(org, on=bool(value))
    elif name == "person_accounts":
        use_person_accounts(org, on=bool(value))
    elif name == "state_country_picklists":
        use_state_country_picklists(org, on=bool(value))
    elif name == "currencies" and isinstance(value, list) and value:
        org.schema.currencies = tuple(str(one) for one in value)
        org.schema.changed()
    elif name == "decimals" and isinstance(value, dict):
        for path, scale in value.items():
            set_decimals(org, path, int(scale))
    elif name == "session_lifetime":
        org.settings.session_lifetime = timedelta(seconds=float(str(value)))
    elif name == "duplicate_rules" and isinstance(value, list):
        org.settings.duplicate_rules = [DuplicateRule(**{**one, "fields": tuple(one["fields"])}) for one in value]
    elif name == "validation_rules" and isinstance(value, list):
        org.settings.validation_rules = [ValidationRule(**one) for one in value]
    elif name in known and isinstance(value, type(getattr(org.settings, name))):
        setattr(org.settings, name, value)
    elif name in known and isinstance(value, list):
        setattr(org.settings, name, tuple(str(one) for one in value))
    else:
        raise ValueError(f"There is no setting {name} that could be {value!r}")


def _mount_fields(blueprint: Blueprint, org: Org, people: People) -> None:
    @blueprint.post("/fields")
    def add_custom_field() -> Response:
        body = _body()
        metadata = body["metadata"]
        if not isinstance(metadata, dict):
            raise TypeError("metadata is an object")
        full_name = str(body["full_name"])
        with org.lock, org.unit():
            made = add_field(org, full_name, metadata)
            home, _, name = full_name.partition(".")
            field = org.schema.get(home_of(home)).field(name)
            if body.get("visible", True) and field is not None and field.permissionable:
                grant_field(org, people.seeded, home_of(home), name)
        return jsonify(id=made)


def _mount_clients(blueprint: Blueprint, org: Org, logins: Logins) -> None:
    @blueprint.get("/clients")
    def list_clients() -> Response:
        return jsonify(clients=[_public(one) for one in logins.clients.values()])

    @blueprint.post("/clients")
    def set_client() -> Response:
        body = dict(_body())
        approved = body.pop("approved_users", [])
        if not isinstance(approved, list):
            raise TypeError("approved_users is a list of usernames")
        client = Client(**{str(k): str(v) for k, v in body.items()}, approved_users={str(one) for one in approved})
        with org.lock:
            logins.clients[client.key] = client
        return jsonify(_public(client))

    @blueprint.delete("/clients/<key>")
    def drop_client(key: str) -> Response:
        with org.lock:
            del logins.clients[key]
        return list_clients()

    @blueprint.delete("/sessions")
    def end_sessions() -> Response:
        with org.lock:
            logins.end_all()
        return jsonify(ended=True)


def _mount_outbound(blueprint: Blueprint, outbound: Outbound) -> None:
    @blueprint.get("/outbound")
    def list_rules() -> Response:
        return jsonify(rules=[asdict(rule) for rule in outbound.rules()], waiting=outbound.waiting())

    @blueprint.post("/outbound")
    def set_rule() -> Response:
        body = _body()
        given = body.get("fields", [])
        if not isinstance(given, list):
            raise TypeError("fields is a list of field names")
        outbound.set(OutboundRule(**{**body, "fields": tuple(map(str, given))}))
        return list_rules()

    @blueprint.delete("/outbound/<name>")
    def drop_rule(name: str) -> Response:
        outbound.drop(name)
        return list_rules()


def _public(client: Client) -> dict[str, object]:
    return {"key": client.key, "run_as": client.run_as, "approved_users": sorted(client.approved_users)}


def _body() -> Mapping[str, Any]:
    body = request.get_json()
    if not isinstance(body, dict):
        raise TypeError("The body is one JSON object")
    return body
