"""One small trust on both engines: every table the same to the penny."""

from __future__ import annotations

import pandas as pd
import pytest

from environment import need_spark
from helpers.costing.trust import PATIENT_TABLES
from helpers.sources.costed import FRAMES
from small_report import Place

# A hundred small queries: Java gains nothing by compiling each as for a long run.
SHORT_RUN = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

pytestmark = pytest.mark.xdist_group("spark")


@pytest.fixture(scope="module")
def on_spark(reported, tmp_path_factory):
    """The report of the small XYZ, its costing step on Spark."""
    need_spark()
    place = Place(reported.data, tmp_path_factory.mktemp("spark"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JDK_JAVA_OPTIONS", SHORT_RUN)
        assert place.report("XYZ", "--engine", "spark") == 0
    return place


def read(place: Place, name: str) -> pd.DataFrame:
    return pd.read_parquet(place.final() / "tables" / f"{name}.parquet")


@pytest.mark.parametrize("name", [*FRAMES, *PATIENT_TABLES, "cost_check_findings"])
def test_costing_gives_the_same_table_on_both_engines(reported, on_spark, name):
    pd.testing.assert_frame_equal(
        read(reported, name), read(on_spark, name), check_exact=True, check_dtype=False
    )


def test_every_later_table_is_the_same_too(reported, on_spark):
    names = {path.name for path in (reported.final() / "tables").glob("*.parquet")}
    assert names == {path.name for path in (on_spark.final() / "tables").glob("*.parquet")}
    later = [name.removesuffix(".parquet") for name in sorted(names)]
    money = 0
    for name in later:
        ours, theirs = read(reported, name), read(on_spark, name)
        for column in [column for column in ours.columns if column.endswith("_pence")]:
            pd.testing.assert_series_equal(
                ours[column],
                theirs[column],
                check_exact=True,
                check_dtype=False,
                obj=f"{name}.{column}",
            )
            money += 1
    assert money > 50
