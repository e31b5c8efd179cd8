"""Corrections for several tests at once."""

import pytest

from audiocls.evaluation.significance import holm


def test_the_correction_for_several_tests_is_holms():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
