"""What one expert says of the stress, ready for fusion."""

from __future__ import annotations

from typing import NamedTuple


class Opinion(NamedTuple):
    """One expert's view of this second.

    `logit`: calibrated log-odds of stress against rest, both taken as equally likely; 0 is undecided.
    `variance`: of that logit, over what the expert is unsure of (members of its ensemble, a short
    acquaintance with the person); 0 or more. `quality`: 0 (unusable) to 1 (clean) of the signals behind
    it, by which fusion weighs the view; it does not depend on the logit.
    """

    logit: float
    variance: float
    quality: float
