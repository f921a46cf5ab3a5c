"""The comparison as a whole, with stand-ins for the libraries."""

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest

from device.evaluation import oracle_bench
from device.evaluation.agreement import Agreement
from device.evaluation.oracle_bench import Bench, Compared, Cost, ask, compare, cost, table
from device.evaluation.oracle_memory import Memory
from device.evaluation.oracle_windows import Window, simulated_windows
from device.evaluation.oracles import Said


class Kit:
    """Says two beats and one response more than are there; takes its time over it."""

    def pulse(self, ppg_v: np.ndarray, rate_hz: float) -> tuple[float, float]:
        busy(ppg_v)
        return 62.0, 30.0

    def responses(self, eda_us: np.ndarray, rate_hz: float) -> float:
        return 4.0

    def ppg_process(self, ppg_v: np.ndarray, rate_hz: float) -> None:
        busy(ppg_v)


class Heart:
    """Says what is true of the rate."""

    def pulse(self, ppg_v: np.ndarray, rate_hz: float) -> tuple[float, float]:
        return 60.0, math.nan


def busy(ppg_v: np.ndarray) -> None:
    for _ in range(200):
        np.sort(ppg_v[::-1])


def window(hr_bpm: float, scr_count: float, *, skin: bool = True) -> Window:
    ours = Said(hr_bpm + 0.5, 28.0, scr_count)
    return Window("someone", 60, np.zeros(6000), np.zeros(600 if skin else 0), ours,
                  Said(hr_bpm, 29.0, scr_count))


def find(compared: list[Compared], measure: str, method: str, reference: str) -> Agreement:
    (found,) = [one.agreement for one in compared
                if (one.measure, one.method, one.reference) == (measure, method, reference)]
    return found


def test_compare_sets_every_method_beside_the_truth_and_ours_beside_theirs():
    windows = [window(60.0, 3.0), window(60.0, 2.0), window(60.0, 4.0)]
    compared = compare(windows, ask(windows, Kit(), Heart()), "someone")
    assert find(compared, "hr_bpm", "tranquillo", "truth").bias == pytest.approx(0.5)
    assert find(compared, "hr_bpm", "neurokit2", "truth").bias == pytest.approx(2.0)
    assert find(compared, "hr_bpm", "heartpy", "truth").mae == pytest.approx(0.0)
    assert find(compared, "hr_bpm", "tranquillo", "neurokit2").bias == pytest.approx(-1.5)
    assert find(compared, "rmssd_ms", "tranquillo", "neurokit2").bias == pytest.approx(-2.0)
    assert find(compared, "scr_count", "neurokit2", "truth").bias == pytest.approx(1.0)
    # What a method never says is no line of the table.
    assert not [one for one in compared if one.method == "heartpy" and one.measure != "hr_bpm"]
    assert {one.source for one in compared} == {"someone"}


def test_ask_leaves_skin_alone_where_there_is_none():
    (found,) = ask([window(60.0, 3.0, skin=False)], Kit(), Heart())["neurokit2"]
    assert math.isnan(found.scr_count)
    assert found.hr_bpm == 62.0


def test_cost_is_processor_time_of_one_update_against_a_whole_minute_of_theirs():
    windows = simulated_windows(1, 3)
    found = cost(windows, Kit(), Heart())
    assert 0.05 < found.update_ms < 20.0
    assert found.neurokit2_ppg_ms > 1.0
    assert found.neurokit2_pulse_ms > 1.0
    assert found.neurokit2_ratio == pytest.approx(
        (found.neurokit2_pulse_ms + found.neurokit2_eda_ms) / found.update_ms)
    assert found.heartpy_ratio == pytest.approx(found.heartpy_ms / found.update_ms)
    assert found.heartpy_ms < 0.5


def bench(ratio: float) -> Bench:
    agreed = Agreement(windows=40, of_windows=41, bias=-1.25, mae=2.5, limits=(-4.0, 1.5), correlation=0.875)
    line = {"source": "patient", "measure": "scr_count", "method": "tranquillo", "reference": "truth"}
    return Bench(
        versions={"neurokit2": "0.2.12"},
        compared=[Compared(**line, agreement=agreed),
                  Compared(**line | {"source": "few"}, agreement=Agreement(windows=2, of_windows=9))],
        cost=Cost(update_ms=0.5, neurokit2_ppg_ms=65.0, neurokit2_pulse_ms=70.0, neurokit2_eda_ms=10.0,
                  heartpy_ms=20.0, neurokit2_ratio=ratio, heartpy_ratio=40.0),
        memory={"nothing": Memory(20.0, 30.0, 21.0, 31.0), "heartpy": Memory(100.0, 130.0, 110.0, 141.0)})


def test_table_shows_agreement_time_and_memory():
    text = table(bench(160.0))
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert lines["patient"][-7:] == ["40/41", "-1.25", "2.50", "0.88", "-4.0", "to", "1.5"]
    assert lines["few"][-3:] == ["2/9", "too", "few"]
    assert lines["hrv_time"] == ["hrv_time", "5.0"]
    assert "160 times ours (needed 100)" in text
    assert lines["heartpy"][1:] == ["100", "/", "130", "110", "/", "141"]


@pytest.mark.parametrize(("ratio", "code"), [(160.0, 0), (99.0, 1)])
def test_main_leaves_the_figures_and_fails_when_we_are_too_slow(tmp_path, monkeypatch, capsys, ratio, code):
    monkeypatch.setattr(oracle_bench, "run", lambda _: bench(ratio))
    out = tmp_path / "out"
    assert oracle_bench.main(["--data", str(tmp_path), "--out", str(out)]) == code
    figures = json.loads((out / "bench-stress.json").read_text(encoding="utf-8"))
    assert figures["cost"]["neurokit2_ratio"] == ratio
    assert figures["compared"][0]["agreement"]["limits"] == [-4.0, 1.5]
    assert msgspec.convert(figures, Bench) == bench(ratio)
    assert "bench-stress.json" in capsys.readouterr().out
