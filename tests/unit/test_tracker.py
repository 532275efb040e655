"""Last year's findings are measured again, whatever became of them."""

import pandas as pd

from helpers.outliers.tracker import COLUMNS, track_findings


def review(*rows):
    """Rows of (consultant, flag, ratio, excess)."""
    frame = pd.DataFrame(rows, columns=["consultant_code", "flag", "ratio", "excess"])
    return frame.assign(
        line_id="L0", measure="cost", pseudonym="Cons-" + frame["consultant_code"],
        ci_low=frame["ratio"] - 0.1, ci_high=frame["ratio"] + 0.1,
    )  # fmt: skip


def note(subject, status="open", code="", date="2024-06-01"):
    return {
        "review_id": "R1", "subject": subject, "status": status, "reason_code": code,
        "action": "look again", "owner": "lead", "value_pence": 500, "date": date,
    }  # fmt: skip


def test_each_finding_is_found_again_or_not_or_cannot_be_measured():
    before = review(
        ("C1", "outlier", 1.4, 900.0), ("C2", "material", 1.2, 300.0), ("C3", "outlier", 1.5, 100.0),
        ("C4", "none", 1.0, 0.0), ("C5", "indicative", 1.3, 50.0),
    )  # fmt: skip
    now = review(
        ("C1", "outlier", 1.3, 700.0), ("C2", "none", 1.05, 60.0), ("C3", "not_tested", float("nan"), float("nan")),
        ("C4", "outlier", 1.6, 800.0),
    )  # fmt: skip
    found = track_findings(now, before, None).set_index("consultant_code")
    assert found["outcome"].to_dict() == {
        "C1": "still", "C2": "no_longer", "C3": "not_measured", "C5": "not_measured",
    }  # fmt: skip
    assert found.loc["C1", "change"] == 700 - 900
    assert found["change"].isna().to_dict() == {"C1": False, "C2": False, "C3": True, "C5": True}
    assert found.loc["C5", "pseudonym"] == "Cons-C5"


def test_what_the_trust_wrote_stands_beside_the_measurement():
    now = review(("C1", "none", 1.02, 10.0), ("C2", "outlier", 1.3, 20.0))
    found = track_findings(now, None, pd.DataFrame([note("C1", "closed", "W2"), note("WARD_A")]))
    assert found["consultant_code"].tolist() == ["C1"]
    row = found.iloc[0]
    assert (row["review_status"], row["reason_code"], row["outcome"]) == (
        "closed",
        "W2",
        "no_longer",
    )
    assert (row["value_pence"], row["review_date"], row["flag_before"]) == (500, "2024-06-01", "")


def test_nothing_before_and_nothing_written_is_no_rows():
    found = track_findings(review(("C1", "outlier", 1.3, 20.0)), None, None)
    assert found.empty
    assert found.columns.tolist() == COLUMNS
