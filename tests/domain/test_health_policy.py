"""A health policy is read from JSON, written back the same, and says what is wrong with it in a sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.health_policy import HealthPolicy, RollUp, Segment
from connector.errors import Misconfigured


@dataclass(frozen=True)
class Account:
    size: str = ""
    country: str = ""
    plan: str = ""


def test_an_empty_document_is_the_defaults() -> None:
    assert HealthPolicy.parse({}) == HealthPolicy()


def test_a_document_says_what_differs() -> None:
    policy = HealthPolicy.parse(
        {
            "flag_below": 50,
            "renewal_windows": [30, 120],
            "roll_up": "worst_child",
            "segments": [{"country": "DE", "size": "large", "severe_days": 45, "renewal_windows": []}],
        }
    )
    assert policy == HealthPolicy(
        flag_below=50.0,
        renewal_windows=(120, 30),
        roll_up=RollUp.WORST_CHILD,
        segments=(Segment(country="DE", size="large", severe_days=45, renewal_windows=()),),
    )


@pytest.mark.parametrize(
    ("document", "sentence_id", "part"),
    [
        ([], "health-policy-shape", "The health policy must be a JSON object"),
        (None, "health-policy-shape", "The health policy"),
        ({"flag_under": 3}, "health-policy-unknown", "flag_under"),
        ({"flag_below": "60"}, "health-policy-range", "flag_below must be a number from 0 to 100"),
        ({"flag_below": True}, "health-policy-range", "flag_below"),
        ({"flag_below": float("nan")}, "health-policy-range", "flag_below"),
        ({"watch_below": 101}, "health-policy-range", "watch_below"),
        ({"severe_days": 4.5}, "health-policy-range", "severe_days must be a whole number from 0 to 3650"),
        ({"late_chance_flag": 60}, "health-policy-range", "late_chance_flag must be a number from 0 to 1"),
        ({"flag_below": 80}, "health-policy-order", "flag below 80"),
        ({"severe_below": 61}, "health-policy-order", "severe below 61"),
        ({"renewal_windows": 90}, "health-policy-windows", "renewal_windows"),
        ({"renewal_windows": [90, 90]}, "health-policy-windows", "renewal_windows"),
        ({"renewal_windows": [0]}, "health-policy-windows", "from 1 to 730"),
        ({"renewal_windows": [True]}, "health-policy-windows", "renewal_windows"),
        ({"renewal_windows": list(range(1, 14))}, "health-policy-windows", "at most 12"),
        ({"roll_up": "best"}, "health-policy-roll-up", "own, worst_child, payer"),
        ({"segments": {}}, "health-policy-segments", "list"),
        ({"segments": ["DE"]}, "health-policy-shape", "Segment 1"),
        ({"segments": [{"flag_below": 5}]}, "health-policy-segment", "Segment 1"),
        ({"segments": [{"country": "DE"}, {"country": " "}]}, "health-policy-segment", "Segment 2"),
        ({"segments": [{"country": 49}]}, "health-policy-segment", "Segment 1"),
        ({"segments": [{"country": "DE", "region": "EU"}]}, "health-policy-unknown", "region"),
        ({"segments": [{"plan": "pro", "flag_below": 90}]}, "health-policy-order", "of segment 1"),
        ({"segments": [{"plan": "pro", "severe_days": -1}]}, "health-policy-range", "severe_days of segment 1"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(document: Any, sentence_id: str, part: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        HealthPolicy.parse(document)
    assert refused.value.sentence_id == sentence_id
    assert part in refused.value.message


def test_the_first_segment_that_fits_an_account_applies() -> None:
    policy = HealthPolicy(
        flag_below=60.0,
        segments=(
            Segment(size="Large", country="de", flag_below=40.0),
            Segment(country="DE", flag_below=50.0, severe_days=30),
        ),
    )
    assert policy.for_account(Account(size=" large ", country="DE")) == HealthPolicy(flag_below=40.0)
    assert policy.for_account(Account(size="small", country="DE")) == HealthPolicy(flag_below=50.0, severe_days=30)
    assert policy.for_account(Account(country="FR")) == HealthPolicy()
    assert HealthPolicy().for_account(Account()) == HealthPolicy()


def test_a_segment_may_switch_the_windows_off_and_leaves_the_rest() -> None:
    policy = HealthPolicy(watch_below=80.0, segments=(Segment(plan="public sector", renewal_windows=()),))
    assert policy.for_account(Account(plan="Public Sector")) == HealthPolicy(watch_below=80.0, renewal_windows=())


scores = st.integers(0, 100).map(float)
windows = st.sets(st.integers(1, 730), max_size=4).map(lambda days: tuple(sorted(days, reverse=True)))
policies = st.builds(
    lambda three, **rest: HealthPolicy(
        severe_below=min(three), flag_below=sorted(three)[1], watch_below=max(three), **rest
    ),
    st.tuples(scores, scores, scores),
    severe_days=st.integers(0, 365),
    renewal_windows=windows,
    late_chance_flag=st.floats(0, 1),
    roll_up=st.sampled_from(RollUp),
    segments=st.lists(
        st.builds(
            Segment,
            size=st.sampled_from(["", "small"]),
            country=st.sampled_from(["DE", "FR"]),
            severe_days=st.none() | st.integers(0, 365),
            renewal_windows=st.none() | windows,
        ),
        max_size=3,
    ).map(tuple),
)


@given(policies)
def test_a_policy_is_read_back_from_its_document(policy: HealthPolicy) -> None:
    assert HealthPolicy.parse(json.loads(json.dumps(policy.document()))) == policy
