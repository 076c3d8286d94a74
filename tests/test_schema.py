"""The columns of /detection."""

import numpy as np
from chandra_embed.inference.catalog.schema import BY_NAME, COLUMNS, blank

HARD = [f"hard_{xy}{limit}" for xy in ("hs", "hm", "ms") for limit in ("", "_lolim", "_hilim")]
FLAGS = [f"{name}_flag" for name in ("pileup", "sat_src", "streak_src", "conf", "extent", "dither_warning")]
KEYS = ["file", "source_id", "name", "obs_id", "obsid", "obi", "region_id", "ra", "dec", "theta"]
COUNTS = ["exposure", "date_obs", "counts", "background_counts", "net_counts"]
REST = [
    "has_background",
    "has_arf",
    "has_rmf",
    "var_prob_b",
    "var_index_b",
    "ks_prob_b",
    "kp_prob_b",
    "class",
]
NAMED_IN_THE_FORMAT = KEYS + COUNTS + REST + HARD + FLAGS + ["flux_significance_b", "likelihood"]


def test_all_columns_of_the_format_and_no_others() -> None:
    assert sorted(NAMED_IN_THE_FORMAT) == sorted(BY_NAME)
    assert len(COLUMNS) == len(BY_NAME)


def test_missing_values() -> None:
    rows = blank(2)
    assert list(rows["name"]) == ["", ""]
    assert np.isnan(rows["net_counts"]).all()
    assert rows["obsid"].dtype == np.int32
    assert list(rows["obsid"]) == [-1, -1]
    assert list(rows["has_arf"]) == [False, False]
