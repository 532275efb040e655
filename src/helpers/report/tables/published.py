"""Tables of the pages made from published figures: names for codes, sorted for reading, no ranks."""

from __future__ import annotations

import pandas as pd

from helpers.sources.published.files import read_reference

MOST_ROWS = 30
FILE_COLUMNS = {"file": "File", "words": "What it is", "year": "Year"}
ACCOUNT_COLUMNS = {
    "file": "File",
    "year": "Year",
    "words": "What was done",
    "n_rows": "Rows",
    "n_suppressed": "Hidden by the publisher (*)",
    "n_cost_only": "Cost without activity",
    "cost_pence": "Cost",
}
TOTAL_COLUMNS = {
    "item": "Total of",
    "sheet": "Sheet",
    "measure": "Measure",
    "stated": "As published",
    "recomputed": "Added up from rows",
    "difference": "Difference",
}
INDEX_COLUMNS = {
    "line_name": "Service line",
    "cost_pence": "All cost",
    "observed_pence": "Cost compared",
    "expected_pence": "At national means",
    "difference_pence": "Difference",
    "index_ratio": "Index",
    "interval": "95% interval",
    "n_currencies": "Currencies",
}
STAY_COLUMNS = {
    "line_name": "Service line",
    "n_episodes": "Episodes",
    "stay_days": "Stay",
    "expected_days": "Nation’s stay, same currencies",
    "n_bed_days": "Bed days over (under −)",
}
BED_COLUMNS = {"specialty": "Specialty", "beds": "Occupied beds a night", "period": "Quarter to"}
POSITION_COLUMNS = {
    "name": "Service line",
    "cost_pence": "All cost",
    "priced_cost_pence": "Cost with a price",
    "income_pence": "Income at price",
    "margin_pence": "Margin at price",
    "level_margin_pence": "Margin in proportion",
    "words": "Sign",
}
SETTING_COLUMNS = POSITION_COLUMNS | {"name": "Setting"}
PART_COLUMNS = {
    "name": "Line and setting",
    "priced_cost_pence": "Cost with a price",
    "income_pence": "Income at price",
    "margin_pence": "Margin at price",
    "level_margin_pence": "Margin in proportion",
}
REVIEW_COLUMNS = {
    "currency_code": "Currency",
    "setting_name": "Setting",
    "n_orgs": "Trusts",
    "n_activity": "Activity",
    "cost_pence": "Cost",
    "ratio": "Ratio to median",
    "shrunk_ratio": "After chance",
    "excess_pence": "Above median",
}
TRUST_COLUMNS = {
    "org_name": "Trust",
    "org_code": "Code",
    "cost_pence": "Cost",
    "compared_prop": "Compared",
    "index_ratio": "Index",
    "interval": "95% interval",
    "words": "In the funnel",
}
PEER_COLUMNS = {
    "org_name": "Peer",
    "org_code": "Code",
    "alike_prop": "Cost in the same lines",
    "cost_pence": "Cost",
    "index_ratio": "Index",
    "words": "In the funnel",
}
IDENTITY_COLUMNS = {
    "description": "What is compared",
    "id": "Identity",
    "left_pence": "Left side",
    "right_pence": "Right side",
    "difference_pence": "Difference",
}
NOT_COMPARED = "Lines of which no care could be compared"
SIGN_WORDS = {
    "stable": "Same on both bases",
    "depends": "Depends on the level of prices",
    "none": "No price to put to it",
}
PLACE_WORDS = {
    "inside": "Inside the 95% limits",
    "between": "Between the limits",
    "outside": "Outside the 99.8% limits",
}


def name_line(line_id: str) -> str:
    """Return a line's name."""
    lines = read_reference("published_lines").set_index("line_id")["line_name"]
    return lines.get(line_id, line_id)


def name_setting(setting: str) -> str:
    """Return a setting's name."""
    names = read_reference("published_settings").set_index("setting")["setting_name"]
    return names.get(setting, setting)


def write_interval(rows: pd.DataFrame) -> pd.Series:
    """Return intervals as `0.90 to 1.10`; a dash where there is none."""
    words = rows["ci_low"].map("{:.2f}".format) + " to " + rows["ci_high"].map("{:.2f}".format)
    return words.where(rows["ci_low"].notna(), "–").astype("str")


def arrange_files(files: pd.DataFrame) -> pd.DataFrame:
    """Return the files, known ones first."""
    order = files.assign(unknown=files["kind"].eq("")).sort_values(
        ["unknown", "kind", "year", "file"]
    )
    return order.assign(year=order["year"].replace("", "–")).reset_index(drop=True)


def arrange_accounts(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the account of rows with a total."""
    counts = ["n_rows", "n_suppressed", "n_cost_only", "cost_pence"]
    total = pd.DataFrame([{"file": "All files", "year": "", "words": "", **accounts[counts].sum()}])
    return pd.concat([accounts, total], ignore_index=True)[list(ACCOUNT_COLUMNS)]


def arrange_totals(totals: pd.DataFrame) -> pd.DataFrame | None:
    """Return the totals that do not agree; None where all do or none is stated."""
    wrong = totals[~totals["agrees"].astype(bool)]
    return None if wrong.empty else wrong.reset_index(drop=True)


def arrange_index(index: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame | None:
    """Return each line's cost against the nation, largest cost first; lines without a mean, and all, last."""
    if index.empty:
        return None
    cost = lines.set_index("line_id")["cost_pence"]
    table = index.assign(
        line_name=index["line_id"].map(name_line).replace("ALL", "All lines"),
        cost_pence=index["line_id"].map(cost).fillna(int(cost.sum())).astype("int64"),
        difference_pence=index["observed_pence"] - index["expected_pence"],
        is_all=index["line_id"].eq("ALL"),
        interval=write_interval(index),
    )
    table = table.sort_values(["is_all", "cost_pence", "line_id"], ascending=[True, False, True])
    table = table[list(INDEX_COLUMNS)]
    whole = [name for name in table if pd.api.types.is_integer_dtype(table[name])]
    table = table.astype(dict.fromkeys(whole, "Int64"))
    left_pence = int(cost[~cost.index.isin(index["line_id"])].sum())
    if left_pence:
        left = {"line_name": NOT_COMPARED, "cost_pence": left_pence, "interval": "–"}
        rest = pd.DataFrame([left], columns=list(INDEX_COLUMNS)).astype(table.dtypes.to_dict())
        table = pd.concat([table.iloc[:-1], rest, table.iloc[-1:]])
    return table.reset_index(drop=True)


def arrange_stays(stays: pd.DataFrame) -> pd.DataFrame | None:
    """Return stays by line, longest difference first."""
    if stays.empty:
        return None
    table = stays.assign(
        line_name=stays["line_id"].map(name_line),
        n_episodes=stays["episodes"].round().astype("int64"),
        stay_days=stays["days"] / stays["episodes"],
        expected_days=stays["expected_days"] / stays["episodes"],
        n_bed_days=(stays["days"] - stays["expected_days"]).round().astype("int64"),
    )
    table = table.sort_values(["n_bed_days", "line_id"], ascending=[False, True])
    return table[list(STAY_COLUMNS)].reset_index(drop=True)


def arrange_beds(beds: pd.DataFrame) -> pd.DataFrame | None:
    """Return occupied beds by specialty, most first, of the latest quarter supplied."""
    if beds.empty:
        return None
    one = beds[beds["period"] == beds["period"].iloc[-1]]
    return one.sort_values(["beds", "specialty_code"], ascending=[False, True]).head(MOST_ROWS)


def arrange_positions(positions: pd.DataFrame) -> pd.DataFrame | None:
    """Return lines or settings, largest margin in proportion first, unpriced last, with a total."""
    if positions["income_pence"].sum() == 0:
        return None
    key = positions.columns[0]
    namer = name_line if key == "line_id" else name_setting
    table = positions.assign(
        name=positions[key].map(namer),
        words=positions["sign_label"].map(SIGN_WORDS),
        unpriced=positions["sign_label"].eq("none"),
    )
    table = table.sort_values(
        ["unpriced", "level_margin_pence", key], ascending=[True, False, True]
    )
    money = [name for name in POSITION_COLUMNS if name.endswith("_pence")]
    empty = ["priced_cost_pence", "income_pence", "margin_pence", "level_margin_pence"]
    table[empty] = table[empty].astype("Int64").mask(table["unpriced"])
    total = pd.DataFrame([{"name": "All", "words": "", **table[money].sum()}])
    return pd.concat([table, total], ignore_index=True)[list(POSITION_COLUMNS)]


def arrange_parts(parts: pd.DataFrame) -> pd.DataFrame | None:
    """Return the lines' settings with the largest margins in proportion, gains first."""
    priced = parts[parts["sign_label"] != "none"]
    if len(priced) < 2:
        return None
    split = priced["line_setting"].str.split("|", n=1, expand=True)
    named = priced.assign(
        name=split[0].map(name_line) + ": " + split[1].map(name_setting).str.lower()
    )
    named = named.sort_values(["level_margin_pence", "line_setting"], ascending=[False, True])
    if len(named) > MOST_ROWS:
        named = pd.concat([named.head(MOST_ROWS // 2), named.tail(MOST_ROWS // 2)])
    return named[list(PART_COLUMNS)].reset_index(drop=True)


def arrange_review(found: pd.DataFrame, flag: str) -> pd.DataFrame | None:
    """Return the currencies named dearer or cheaper, largest sum first."""
    named = found[found["flag"] == flag]
    if named.empty:
        return None
    named = named.assign(
        setting_name=named["setting"].map(name_setting),
        line_name=named["line_id"].map(name_line),
        n_activity=named["activity"].round().astype("int64"),
        size=named["excess_pence"].abs(),
    )
    named = named.sort_values(["size", "currency_code"], ascending=[False, True]).head(MOST_ROWS)
    return named[list(REVIEW_COLUMNS)].reset_index(drop=True)


def arrange_trusts(trusts: pd.DataFrame) -> pd.DataFrame | None:
    """Return every trust by its name: no rank, and no order of merit."""
    if len(trusts) < 2:
        return None
    table = trusts.assign(words=trusts["place"].map(PLACE_WORDS), interval=write_interval(trusts))
    table["words"] = table["words"].mask(
        table["compared_prop"] < 0.5, "Not drawn: too little compared"
    )
    return table.sort_values(["org_name", "org_code"])[list(TRUST_COLUMNS)].reset_index(drop=True)


def arrange_peers(peers: pd.DataFrame, trusts: pd.DataFrame, trust: str) -> pd.DataFrame | None:
    """Return the trust's peers, most alike first."""
    own = peers[peers["org_code"] == trust].drop(columns="org_code")
    if own.empty:
        return None
    table = own.rename(columns={"peer_code": "org_code", "place": "order"}).merge(
        trusts, on="org_code", how="left", validate="one_to_one"
    )
    table = table.assign(
        alike_prop=1 - table["distance_prop"], words=table["place"].map(PLACE_WORDS)
    )
    return table.sort_values("order")[list(PEER_COLUMNS)].reset_index(drop=True)
