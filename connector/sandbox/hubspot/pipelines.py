"""Deal pipelines and their stages; what a stage means stands in its metadata, never in its label."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.sandbox.hubspot.moments import write_moment


@dataclass
class Stage:
    """One stage: `probability` and `closed` as HubSpot keeps them, texts both."""

    id: str
    label: str
    order: int
    probability: str
    closed: bool
    created_at: datetime

    @property
    def won(self) -> bool:
        """A closed stage with probability 1."""
        return self.closed and float(self.probability) == 1

    def body(self) -> dict[str, Any]:
        """As HubSpot writes it."""
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": self.order,
            "metadata": {"isClosed": str(self.closed).lower(), "probability": self.probability},
            "createdAt": write_moment(self.created_at),
            "updatedAt": write_moment(self.created_at),
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }


@dataclass
class Pipeline:
    """A pipeline of deals."""

    id: str
    label: str
    order: int
    created_at: datetime
    stages: list[Stage] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """As HubSpot writes it, its stages in order."""
        return {
            "id": self.id,
            "label": self.label,
            "displayOrder": self.order,
            "stages": [stage.body() for stage in sorted(self.stages, key=lambda one: one.order)],
            "createdAt": write_moment(self.created_at),
            "updatedAt": write_moment(self.created_at),
            "archived": False,
        }


#: id, label, probability, closed. The second pipeline is a trap for whoever reads labels: "Closed Won (verbal)" is
#: still open, and what is won is called something else. Custom stages have numbers for ids.
_STANDARD: tuple[tuple[str, str, tuple[tuple[str, str, str, bool], ...]], ...] = (
    (
        "default",
        "Sales Pipeline",
        (
            ("appointmentscheduled", "Appointment Scheduled", "0.2", False),
            ("qualifiedtobuy", "Qualified To Buy", "0.4", False),
            ("presentationscheduled", "Presentation Scheduled", "0.6", False),
            ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8", False),
            ("contractsent", "Contract Sent", "0.9", False),
            ("closedwon", "Closed Won", "1.0", True),
            ("closedlost", "Closed Lost", "0.0", True),
        ),
    ),
    (
        "94113927",
        "Renewals and Expansion",
        (
            ("172640981", "Renewal due", "0.5", False),
            ("172640982", "Offer out", "0.7", False),
            ("172640983", "Closed Won (verbal)", "0.9", False),
            ("172640984", "Countersigned, hand over to onboarding", "1.0", True),
            ("172640985", "Not renewing", "0.0", True),
        ),
    ),
)


def standard_pipelines(now: datetime) -> dict[str, Pipeline]:
    """The default sales pipeline and one that a customer made."""
    return {
        id_: Pipeline(
            id_,
            label,
            order,
            now,
            [
                Stage(stage_id, stage_label, place, probability, closed, now)
                for place, (stage_id, stage_label, probability, closed) in enumerate(stages)
            ],
        )
        for order, (id_, label, stages) in enumerate(_STANDARD)
    }


@dataclass(frozen=True)
class Owner:
    """A HubSpot user who owns records."""

    id: str
    email: str
    first_name: str
    last_name: str
    created_at: datetime
    archived: bool = False  #: taken out of the account: their records keep them, new ones cannot get them
    type: str = "PERSON"  #: or QUEUE

    def body(self) -> dict[str, Any]:
        """As HubSpot writes it."""
        return {
            "id": self.id,
            "email": self.email,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "type": self.type,
            "userId": int(self.id) + 1000,
            "userIdIncludingInactive": int(self.id) + 1000,
            "createdAt": write_moment(self.created_at),
            "updatedAt": write_moment(self.created_at),
            "archived": self.archived,
            "teams": [],
        }


_PEOPLE = (
    ("71204411", "nora.lindqvist@example.com", "Nora", "Lindqvist"),
    ("71204412", "tomas.herrera@example.com", "Tomás", "Herrera"),
    ("71204413", "amina.okafor@example.com", "Amina", "Okafor"),
)


def standard_owners(now: datetime) -> dict[str, Owner]:
    """Three people who own the deals of the demo."""
    return {row[0]: Owner(*row, created_at=now) for row in _PEOPLE}
