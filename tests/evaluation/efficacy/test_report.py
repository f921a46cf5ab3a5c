"""What is shown: the statement first, every figure with its interval, every gate with its verdict."""

from __future__ import annotations

import json
from io import BytesIO

import msgspec
import numpy as np
import pytest
from matplotlib import image

from device.evaluation.efficacy.chain import ChainCourse
from device.evaluation.efficacy.figures import Gate
from device.evaluation.efficacy.plot import draw
from device.evaluation.efficacy.report import STATEMENT, efficacy_of, json_text, table


@pytest.fixture(scope="module")
def courses(sessions):
    rows = [sessions.arousal[arm][0] for arm in ("closed", "closed", "open", "silence")]
    return [ChainCourse(sessions.listeners[0], *rows, rows[0])]


@pytest.fixture(scope="module")
def found(sessions, courses):
    return efficacy_of(sessions, courses, minutes=10.0, seed=4)


def test_table_says_first_that_it_is_a_simulation(found):
    lines = table(found).splitlines()
    assert lines[0] == STATEMENT
    assert "simulation" in lines[0]
    assert "no medical effect" in lines[0]


def test_table_shows_every_group_definition_and_gate(found):
    page = table(found)
    for name in found.groups:
        assert f"\n{name}, " in page
    for name in found.definitions:
        assert f"\n{name}: " in page
    assert page.count("passed  ") == len(found.gates) == 3
    assert "FAILED" not in page
    assert max(len(line) for line in page.splitlines()) < 200


def test_table_and_verdict_tell_a_broken_bound(found):
    broken = msgspec.structs.replace(found, gates=[*found.gates, Gate(name="x", found=0.2, bound=0.1)])
    assert not broken.passed
    assert "FAILED  +0.2000, at most 0.1000  x" in table(broken)
    assert found.passed


def test_json_holds_what_the_table_shows(found):
    plain = json.loads(json_text(found))
    assert plain["statement"] == STATEMENT
    closed = plain["groups"]["irritated"]["arms"]["closed"]["area_min"]
    assert closed["interval_95"][0] <= closed["mean"] <= closed["interval_95"][1]
    assert [gate["passed"] for gate in plain["gates"]] == [True] * 3
    assert plain["chain"][0]["largest_gap"] == pytest.approx(0.0)


def test_picture_is_drawn_with_and_without_the_chain(sessions, courses):
    tall, low = (image.imread(BytesIO(draw(sessions, each))) for each in (courses, []))
    assert tall.shape[0] > low.shape[0] > 400
    assert np.unique(tall[..., 0]).size > 20
