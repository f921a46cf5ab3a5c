"""Traces: messages as arrays on one clock, with gaps shown as gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.desk.traces import Interval, Traces
from device.messages import (
    Fault,
    Health,
    LightPattern,
    Message,
    Panel,
    PlayerState,
    Quality,
    SampleBlock,
    Severity,
    Stress,
    StressBand,
    Truth,
)


def truth(at_s: float, label: str = "", arousal: float | None = None) -> Truth:
    return Truth(at_s=at_s, arousal=arousal, label=label, skin_us=2.0, hr_bpm=None, skin_c=None)


def stress(at_s: float, level: float | None) -> Stress:
    return Stress(at_s=at_s, level=level, confidence=0.5, band=StressBand.LOW, sources=(), reason="")


def panel(at_s: float, *, down: bool) -> Panel:
    return Panel(at_s=at_s, light=LightPattern.READY, rgb=(0, 1, 0), button_down=down)


def player(at_s: float, position_s: float) -> PlayerState:
    return PlayerState(at_s=at_s, backend="file", sounding=True, gain_db=0.0, loudness_lufs=None,
                       position_s=position_s, phrase_id=None, audible=None, notes_played=0)


def block(start_s: float, *values: float, signal: str = "eda") -> SampleBlock:
    return SampleBlock(at_s=start_s + 0.5, signal=signal, start_s=start_s, rate_hz=10.0, values=values,
                       quality=Quality.GOOD)


def test_traces_begin_with_the_earliest_message_and_end_with_the_latest() -> None:
    traces = Traces([stress(105.0, 0.2), truth(100.0), stress(103.0, 0.1), truth(104.0)])

    assert traces.origin_s == 100.0
    assert traces.duration_s == 5.0
    assert traces.times(Stress).tolist() == [3.0, 5.0]
    assert [each.level for each in traces.of(Stress)] == [0.1, 0.2]


def test_traces_of_nothing_are_empty() -> None:
    traces = Traces([])

    assert (traces.origin_s, traces.duration_s) == (0.0, 0.0)
    assert traces.of(Stress) == []
    assert traces.times(Stress).size == 0
    assert traces.samples("eda")[0].size == 0
    assert traces.labels() == traces.presses() == traces.fault_spells() == []
    assert traces.sound_origin_s(10.0) is None
    assert np.isnan(traces.at(Truth, np.empty(0), np.array([1.0]))).all()


def test_column_holds_nan_where_a_value_is_absent() -> None:
    traces = Traces([stress(1.0, 0.5), stress(2.0, None), stress(3.0, math.nan)])

    column = traces.column(Stress, lambda each: each.level)

    np.testing.assert_array_equal(column, [0.5, np.nan, np.nan])


def test_state_at_a_time_is_the_last_word_until_it_is_stale() -> None:
    traces = Traces([truth(100.0, arousal=0.1), truth(101.0, arousal=0.2), truth(110.0, arousal=0.3)])
    arousal = traces.column(Truth, lambda each: each.arousal)

    looked = traces.at(Truth, arousal, np.array([-1.0, 0.0, 0.9, 1.0, 4.0, 4.1, 10.0]))

    np.testing.assert_array_equal(looked, [np.nan, 0.1, 0.1, 0.2, 0.2, np.nan, 0.3])


def test_labels_become_intervals() -> None:
    names = ["", "", "stress", "stress", "stress", "rest", "rest", "", ""]

    traces = Traces([truth(50.0 + index, name) for index, name in enumerate(names)])

    assert traces.labels() == [Interval(2.0, 5.0, "stress"), Interval(5.0, 7.0, "rest")]


def test_interval_ends_when_nothing_more_is_heard() -> None:
    traces = Traces([truth(float(at), "rest") for at in (0, 1, 2, 20, 21)])

    assert traces.labels() == [Interval(0.0, 2.0, "rest"), Interval(20.0, 21.0, "rest")]


def test_presses_are_counted_when_the_button_goes_down() -> None:
    states = [(0, False), (1.2, True), (1.3, True), (1.4, False), (2.4, False), (3.0, True), (3.1, False)]

    traces = Traces([panel(at_s, down=down) for at_s, down in states])

    assert traces.presses() == [pytest.approx(1.2), pytest.approx(3.0)]


def test_samples_are_joined_and_gaps_are_marked() -> None:
    pulse = block(10.0, 9.0, signal="ppg")
    traces = Traces([block(10.0, 1.0, 2.0), block(10.2, 3.0), block(11.0, 4.0), pulse])

    times_s, values = traces.samples("eda")

    np.testing.assert_allclose(times_s, [-0.5, -0.4, -0.3, -0.2, 0.5], atol=1e-9)
    np.testing.assert_array_equal(values, [1.0, 2.0, 3.0, np.nan, 4.0])
    assert traces.samples("temperature")[1].size == 0


def test_samples_of_an_empty_block_are_none() -> None:
    assert Traces([block(1.0)]).samples("eda")[0].size == 0


def test_faults_become_spells_with_advice() -> None:
    cold = Fault(code="cold", severity=Severity.INFO, advice="warm it")
    lost = Fault(code="lost", severity=Severity.ACT_NOW, advice="plug it in")

    def beat(at_s: float, *faults: Fault) -> Health:
        return Health(at_s=at_s, service="headset", uptime_s=at_s, late_steps=0, faults=faults)

    traces = Traces([
        beat(0.0), beat(1.0, lost), beat(2.0, lost, cold), beat(3.0, cold), beat(4.0), beat(5.0, lost),
        beat(6.0, lost)])

    spells = [(each.service, each.code, each.severity, each.advice, each.start_s, each.end_s)
              for each in traces.fault_spells()]
    assert spells == [
        ("headset", "lost", Severity.ACT_NOW, "plug it in", 1.0, 3.0),
        ("headset", "cold", Severity.INFO, "warm it", 2.0, 4.0),
        ("headset", "lost", Severity.ACT_NOW, "plug it in", 5.0, 6.0),
    ]


def test_faults_of_different_services_are_kept_apart() -> None:
    fault = Fault(code="model", severity=Severity.ATTENTION, advice="install it")
    beats = [
        Health(at_s=at_s, service=service, uptime_s=1.0, late_steps=0, faults=faults)
        for at_s in (0.0, 1.0)
        for service, faults in (("estimator", (fault,)), ("conductor", ()))
    ]

    assert [each.service for each in Traces(beats).fault_spells()] == ["estimator"]


def test_sound_origin_is_when_the_first_sample_was_played() -> None:
    traces = Traces([truth(100.0), *(player(102.0 + 0.1 * tick, 0.1 * tick) for tick in range(50))])

    assert traces.sound_origin_s(5.0) == pytest.approx(2.0)


def test_sound_origin_after_a_restart_belongs_to_the_life_that_was_recorded() -> None:
    first = [player(100.0 + second, float(second)) for second in range(60)]
    second = [player(163.0 + second, float(second)) for second in range(20)]
    traces = Traces([*first, *second])

    assert traces.sound_origin_s(59.5) == pytest.approx(0.0)
    assert traces.sound_origin_s(19.0) == pytest.approx(63.0)


def test_traces_of_a_session_hold_what_it_was_made_of(messages: list[Message]) -> None:
    traces = Traces(messages)

    assert traces.duration_s == 180.0
    assert traces.presses() == [10.0]
    assert traces.sound_origin_s(180.0) == pytest.approx(0.0)
    assert len(traces.fault_spells()) == 1
    times_s, values = traces.samples("eda")
    assert times_s.size == 1810
    assert values[0] == pytest.approx(2 + 3 * 0.8)
