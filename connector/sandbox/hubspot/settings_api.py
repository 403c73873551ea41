"""Properties, groups, pipelines, owners and token information over the API: what a portal is set up with."""

from typing import Any

from connector.sandbox.hubspot.access import ALL_SCOPES
from connector.sandbox.hubspot.batch_api import envelope, rows_of
from connector.sandbox.hubspot.calls import APP_ID, Answer, Call, Handler, offset
from connector.sandbox.hubspot.catalogue import Catalogue
from connector.sandbox.hubspot.pipelines import Pipeline, Stage
from connector.sandbox.hubspot.refusals import Refusal

_MOST_OWNERS = 500


def _catalogue(call: Call) -> Catalogue:
    return call.portal.catalogues[call.kind.name]


# --- Properties -----------------------------------------------------------------------------------


def list_properties(call: Call) -> Answer:
    """GET /crm/v3/properties/{objectType}: every one at once, there are no pages."""
    catalogue, archived = _catalogue(call), call.flag("archived")
    shown = [one for one in catalogue.properties.values() if (one.archived_at is not None) == archived]
    return Answer(200, {"results": [catalogue.describe(one) for one in shown]})


def read_property(call: Call) -> Answer:
    """GET /crm/v3/properties/{objectType}/{propertyName}."""
    catalogue = _catalogue(call)
    one = catalogue.property(call.path["propertyName"], archived=call.flag("archived"))
    return Answer(200, catalogue.describe(one))


def add_property(call: Call) -> Answer:
    """POST /crm/v3/properties/{objectType}."""
    catalogue = _catalogue(call)
    return Answer(201, catalogue.describe(catalogue.add(call.body, call.portal.now())))


def change_property(call: Call) -> Answer:
    """PATCH /crm/v3/properties/{objectType}/{propertyName}."""
    catalogue = _catalogue(call)
    changed = catalogue.change(call.path["propertyName"], call.body, call.portal.now())
    return Answer(200, catalogue.describe(changed))


def archive_property(call: Call) -> Answer:
    """DELETE /crm/v3/properties/{objectType}/{propertyName}."""
    _catalogue(call).archive(call.path["propertyName"], call.portal.now())
    return Answer(204)


def read_properties(call: Call) -> Answer:
    """POST /crm/v3/properties/{objectType}/batch/read."""
    catalogue, found, errors = _catalogue(call), [], []
    for row in rows_of(call):
        try:
            found.append(catalogue.describe(catalogue.property(row["name"], archived=call.body["archived"])))
        except Refusal as refusal:
            errors.append(refusal.row())
    return envelope(call, 200, found, errors)


def add_properties(call: Call) -> Answer:
    """POST /crm/v3/properties/{objectType}/batch/create: each row has its own fate."""
    catalogue, made, errors = _catalogue(call), [], []
    for row in rows_of(call):
        try:
            made.append(catalogue.describe(catalogue.add(row, call.portal.now())))
        except Refusal as refusal:
            errors.append(refusal.row())
    return envelope(call, 201, made, errors)


def archive_properties(call: Call) -> Answer:
    """POST /crm/v3/properties/{objectType}/batch/archive."""
    for row in rows_of(call):
        _catalogue(call).archive(row["name"], call.portal.now())
    return Answer(204)


def list_groups(call: Call) -> Answer:
    """GET /crm/v3/properties/{objectType}/groups."""
    return Answer(200, {"results": [one.body() for one in _catalogue(call).groups.values()]})


def read_group(call: Call) -> Answer:
    """GET /crm/v3/properties/{objectType}/groups/{groupName}."""
    return Answer(200, _catalogue(call).group(call.path["groupName"]).body())


def add_group(call: Call) -> Answer:
    """POST /crm/v3/properties/{objectType}/groups."""
    return Answer(201, _catalogue(call).add_group(call.body).body())


def change_group(call: Call) -> Answer:
    """PATCH /crm/v3/properties/{objectType}/groups/{groupName}."""
    return Answer(200, _catalogue(call).change_group(call.path["groupName"], call.body).body())


def archive_group(call: Call) -> Answer:
    """DELETE /crm/v3/properties/{objectType}/groups/{groupName}."""
    _catalogue(call).drop_group(call.path["groupName"])
    return Answer(204)


# --- Pipelines ------------------------------------------------------------------------------------


def _pipelines(call: Call) -> dict[str, Pipeline]:
    return call.portal.pipelines if call.kind.name == "deals" else {}


def _pipeline(call: Call) -> Pipeline:
    found = _pipelines(call).get(call.path["pipelineId"])
    if found is None:
        raise Refusal(404, "OBJECT_NOT_FOUND", f"Pipeline {call.path['pipelineId']} does not exist")
    return found


def _stages(call: Call) -> list[Stage]:
    return sorted(_pipeline(call).stages, key=lambda one: one.order)


def list_pipelines(call: Call) -> Answer:
    """GET /crm/v3/pipelines/{objectType}."""
    return Answer(200, {"results": [one.body() for one in _pipelines(call).values()]})


def read_pipeline(call: Call) -> Answer:
    """GET /crm/v3/pipelines/{objectType}/{pipelineId}."""
    return Answer(200, _pipeline(call).body())


def list_stages(call: Call) -> Answer:
    """GET /crm/v3/pipelines/{objectType}/{pipelineId}/stages."""
    return Answer(200, {"results": [one.body() for one in _stages(call)]})


def read_stage(call: Call) -> Answer:
    """GET /crm/v3/pipelines/{objectType}/{pipelineId}/stages/{stageId}."""
    for one in _stages(call):
        if one.id == call.path["stageId"]:
            return Answer(200, one.body())
    raise Refusal(404, "OBJECT_NOT_FOUND", f"Stage {call.path['stageId']} does not exist")


# --- Owners and tokens ----------------------------------------------------------------------------


def list_owners(call: Call) -> Answer:
    """GET /crm/v3/owners/."""
    limit, email = call.limit(100, _MOST_OWNERS), call.text("email")
    after = offset(call.text("after"))
    rows = [
        one
        for one in call.portal.owners.values()
        if int(one.id) > after and email in {None, one.email} and one.archived == call.flag("archived")
    ]
    body: dict[str, Any] = {"results": [one.body() for one in rows[:limit]]}
    if len(rows) > limit:
        body["paging"] = {"next": {"after": rows[limit - 1].id}}
    return Answer(200, body)


def read_owner(call: Call) -> Answer:
    """GET /crm/v3/owners/{ownerId}."""
    wanted, by_user = call.path["ownerId"], call.text("idProperty") == "userId"
    for one in call.portal.owners.values():
        if one.archived == call.flag("archived") and wanted == (str(one.body()["userId"]) if by_user else one.id):
            return Answer(200, one.body())
    raise Refusal(404, "OBJECT_NOT_FOUND", f"Owner {wanted} does not exist")


def read_token(call: Call) -> Answer:
    """GET /oauth/v1/access-tokens/{token}: what the token in the path may do; it needs no other."""
    return Answer(
        200,
        {
            "token": call.caller.token,
            "user": "connector@example.com",
            "hub_domain": "sandbox.example.com",
            "scopes": sorted(ALL_SCOPES if call.caller.scopes is None else call.caller.scopes),
            "hub_id": call.portal.id,
            "app_id": APP_ID,
            "expires_in": 1800,
            "user_id": 5_000_001,
            "token_type": "access",
        },
    )


_PROPERTIES = "/crm/v3/properties/{objectType}"
_PIPELINES = "/crm/v3/pipelines/{objectType}"

HANDLERS: dict[str, Handler] = {
    f"GET {_PROPERTIES}": list_properties,
    f"POST {_PROPERTIES}": add_property,
    f"GET {_PROPERTIES}/{{propertyName}}": read_property,
    f"PATCH {_PROPERTIES}/{{propertyName}}": change_property,
    f"DELETE {_PROPERTIES}/{{propertyName}}": archive_property,
    f"POST {_PROPERTIES}/batch/read": read_properties,
    f"POST {_PROPERTIES}/batch/create": add_properties,
    f"POST {_PROPERTIES}/batch/archive": archive_properties,
    f"GET {_PROPERTIES}/groups": list_groups,
    f"POST {_PROPERTIES}/groups": add_group,
    f"GET {_PROPERTIES}/groups/{{groupName}}": read_group,
    f"PATCH {_PROPERTIES}/groups/{{groupName}}": change_group,
    f"DELETE {_PROPERTIES}/groups/{{groupName}}": archive_group,
    f"GET {_PIPELINES}": list_pipelines,
    f"GET {_PIPELINES}/{{pipelineId}}": read_pipeline,
    f"GET {_PIPELINES}/{{pipelineId}}/stages": list_stages,
    f"GET {_PIPELINES}/{{pipelineId}}/stages/{{stageId}}": read_stage,
    "GET /crm/v3/owners/": list_owners,
    "GET /crm/v3/owners/{ownerId}": read_owner,
    "GET /oauth/v1/access-tokens/{token}": read_token,
}
