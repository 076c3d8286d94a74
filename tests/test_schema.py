"""The columns of /detection."""

import numpy as np
from chandra_embed.inference.catalog.schema import BY_NAME, COLUMNS, blank

NAMED_IN_THE_FORMAT = """file source_id name obs_id obsid obi region_id ra dec theta exposure date_obs counts
background_counts net_counts has_background has_arf has_rmf hard_hs hard_hm hard_ms hard_hs_lolim hard_hs_hilim
hard_hm_lolim hard_hm_hilim hard_ms_lolim hard_ms_hilim var_prob_b var_index_b class flux_significance_b likelihood
pileup_flag sat_src_flag streak_src_flag conf_flag extent_flag dither_warning_flag""".split()


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
