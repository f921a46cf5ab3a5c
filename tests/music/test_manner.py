"""Every style has a setting, and each is its own."""

from __future__ import annotations

import pytest

from device.messages import Style
from device.music.manner import MANNERS, Figure


def test_manners_cover_every_style_in_its_own_way() -> None:
    assert set(MANNERS) == set(Style)
    assert len(set(MANNERS.values())) == len(Style)


@pytest.mark.parametrize("style", list(Style))
def test_manners_leave_the_parameters_their_direction(style: Style) -> None:
    manner = MANNERS[style]
    assert 0.0 < manner.sparsest < manner.busiest
    assert manner.texture[0] < manner.texture[1]
    assert manner.onsets[0] <= manner.onsets[1] <= 8.0
    assert 0.0 < manner.shortened < 0.75  # a struck note keeps a quarter of its length


def test_manners_are_what_their_names_say() -> None:
    assert MANNERS[Style.WARM_PADS].figure is Figure.HELD
    assert MANNERS[Style.FELT_PIANO].figure is Figure.BROKEN
    assert MANNERS[Style.PLUCKED_STRINGS].figure is Figure.ARPEGGIO
    assert MANNERS[Style.GLASS_BELLS].melody_lift > 0
    assert MANNERS[Style.NATURE].sparsest == min(manner.sparsest for manner in MANNERS.values())
    assert MANNERS[Style.GLASS_BELLS].busiest == min(manner.busiest for manner in MANNERS.values())
    assert MANNERS[Style.NATURE].texture[0] == max(manner.texture[0] for manner in MANNERS.values())
