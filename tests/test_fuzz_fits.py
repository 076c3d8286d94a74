"""A few of the mutants that ``make fuzz`` runs by the thousand."""

from pathlib import Path

import fuzz_fits


def test_mutants(tmp_path: Path) -> None:
    outcomes = fuzz_fits.run(60, 2, tmp_path)
    assert outcomes["given"] > 60
    assert outcomes["used"] > 5
    assert len(outcomes) > 10
