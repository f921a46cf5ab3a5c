"""Agreement of two methods on arrays whose statistics are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from device.evaluation.agreement import agreement


def test_agreement_of_known_differences():
    reference = np.array([60.0, 70.0, 80.0, 90.0])
    method = reference + np.array([1.0, -1.0, 3.0, 1.0])  # mean 1, standard deviation sqrt(8/3)
    found = agreement(method, reference)
    assert (found.windows, found.of_windows) == (4, 4)
    assert found.bias == pytest.approx(1.0)
    assert found.mae == pytest.approx(1.5)
    spread = math.sqrt(8.0 / 3.0)
    assert found.limits == pytest.approx((1.0 - 1.96 * spread, 1.0 + 1.96 * spread))
    assert found.correlation == pytest.approx(np.corrcoef(method, reference)[0, 1])


def test_agreement_has_the_sign_of_the_method_minus_the_reference():
    found = agreement(np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 5.0]))
    assert found.bias == pytest.approx(-2.0)
    assert found.limits == pytest.approx((-2.0, -2.0))
    assert found.correlation == pytest.approx(1.0)


def test_agreement_leaves_out_what_either_does_not_know():
    method = np.array([1.0, math.nan, 3.0, 4.0, 6.0])
    reference = np.array([1.0, 2.0, math.nan, 4.0, 5.0])
    found = agreement(method, reference)
    assert (found.windows, found.of_windows) == (3, 5)
    assert found.bias == pytest.approx(1.0 / 3.0)


@pytest.mark.parametrize("pairs", [0, 1, 2])
def test_agreement_of_too_few_pairs_is_only_their_number(pairs):
    values = np.full(5, math.nan)
    values[:pairs] = 70.0
    found = agreement(values, np.full(5, 70.0))
    assert (found.windows, found.of_windows) == (pairs, 5)
    assert (found.bias, found.mae, found.limits, found.correlation) == (None, None, None, None)


def test_agreement_has_no_correlation_where_one_side_does_not_vary():
    found = agreement(np.array([1.0, 2.0, 4.0]), np.full(3, 2.0))
    assert found.correlation is None
    assert found.mae == pytest.approx(1.0)
