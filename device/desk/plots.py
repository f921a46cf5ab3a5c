"""All plots of a run, in the order in which the report shows them."""

from __future__ import annotations

import msgspec

from device.desk.music_plots import draw_notes, draw_parameters, draw_sound
from device.desk.patient_plots import draw_brain, draw_heart, draw_skin, draw_stress, draw_temperature
from device.desk.traces import Traces
from device.desk.unit_plots import draw_health, draw_panel
from device.desk.waveform import Sound


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """One picture (PNG bytes) with a short name, and what a reader should see in it."""

    name: str
    caption: str
    png: bytes


def draw_all(traces: Traces, sound: Sound | None, ceiling_lufs: float | None) -> list[Plot]:
    """Draw every plot; one without data says what was absent.

    Args:
        traces: the messages of the run.
        sound: its measured recording, None when there is none.
        ceiling_lufs: the configured loudness ceiling, None when it is not known.
    """
    labelled = traces.labels()
    shades = (" Tinted stretches are the protocol's labels: rose for stress, green for rest."
              if labelled else "")
    return [
        Plot(name="panel", png=draw_panel(traces), caption=(
            "What the nurse saw and did. The second row is the light's own colour at each moment.")),
        Plot(name="stress", png=draw_stress(traces), caption=(
            "The estimate once a second; its band widens as confidence falls. Grey: the device said "
            "that it does not know." + shades)),
        Plot(name="heart", png=draw_heart(traces), caption=(
            "Estimated from the pulse wave over a sliding window, so it trails the truth." + shades)),
        Plot(name="skin", png=draw_skin(traces), caption=(
            "The measured conductance, its slow (tonic) part, and how often it rises shortly." + shades)),
        Plot(name="temperature", png=draw_temperature(traces), caption="Skin temperature." + shades),
        Plot(name="brain", png=draw_brain(traces), caption=(
            "Relative power of the EEG bands, median over the good channels.")),
        Plot(name="parameters", png=draw_parameters(traces), caption=(
            "Where the conductor wanted the music to be, second by second, and why.")),
        Plot(name="notes", png=draw_notes(traces), caption=(
            "Every note that was composed; in brackets how many each voice has.")),
        Plot(name="sound", png=draw_sound(traces, sound, ceiling_lufs), caption=(
            "The recorded sound, measured apart from the player's own meter.")),
        Plot(name="health", png=draw_health(traces), caption=(
            "When each service was alive; a short upright line is a restart. Faults: blue for information, "
            "amber for attention, red for act now.")),
    ]
