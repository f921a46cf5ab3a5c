"""Sections are made of questions and answers; the theme opens them and comes back."""

from __future__ import annotations

import pytest

from device.music.form import FORMS, OPENINGS, SECTION_PHRASES, Plan, Role, role_of
from device.music.harmony import Cadence

forms = pytest.mark.parametrize("form", FORMS)


@forms
def test_forms_alternate_question_and_answer(form: tuple[Role, ...]) -> None:
    assert len(form) == SECTION_PHRASES
    assert [role.closing for role in form] == [False, True] * (SECTION_PHRASES // 2)


@forms
def test_forms_state_the_theme_first_leave_it_and_return(form: tuple[Role, ...]) -> None:
    plans = [role.plan for role in form]
    assert plans[0] is Plan.STATEMENT
    assert {Plan.STATEMENT, Plan.VARIATION, Plan.AUGMENTATION, Plan.ANSWER} & set(plans[-2:])
    assert any(role.chords != 0 for role in form[2:6])
    assert plans.count(Plan.STATEMENT) >= 4


@forms
def test_forms_end_at_home(form: tuple[Role, ...]) -> None:
    assert form[-1].cadence in (Cadence.AUTHENTIC, Cadence.PLAGAL)
    assert {role.cadence for role in form} == set(Cadence)
    assert all(role.chords < len(OPENINGS) for role in form)


def test_forms_use_every_plan() -> None:
    assert {role.plan for form in FORMS for role in form} == set(Plan)


def test_role_of_follows_from_seed_and_number() -> None:
    assert role_of(3, 17) == role_of(3, 17)
    for seed in range(20):
        starts = [tuple(role_of(seed, 8 * section + place) for place in range(8)) for section in range(4)]
        assert set(starts) == set(FORMS)  # four sections, four forms
    assert len({role_of(seed, 5).plan for seed in range(40)}) > 1
