"""Sentences on patients who go from line to line, and on what lines decide."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.formats import count_words, format_gbp, format_prop, join_words

FEW_NAMES = 3
HOLDERS = {
    "line": "The line itself",
    "shared": "The line with others",
    "division": "Its division",
    "corporate": "The trust",
    "not_recorded": "Not recorded",
}
DECISIONS = {
    "hire": "whom to hire", "rota": "rotas of nurses and therapists", "theatre_list": "theatre lists",
    "ward": "beds and wards", "procure": "what to buy and order", "capital": "buildings and equipment",
    "admin": "administration and overheads", "price": "prices",
}  # fmt: skip


def describe_downstream(downstream: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say how much care goes on in another line, and which line brings the others most."""
    lines = _name(downstream, position)
    moved = int(lines["n_downstream"].sum())
    if lines.empty or moved == 0:
        return "No patient is known to have gone from one line to another within 90 days, or their care has no price."
    text = (
        f"{moved:,} of all episodes and attendances {'was' if moved == 1 else 'were'} done by another "
        "line than the one that first saw the patient in the 90 days before."
    )
    most = lines.sort_values(["downstream_pence", "line_id"], ascending=[False, True]).iloc[0]
    if most["downstream_pence"] <= 0:
        return f"{text} In all, that work costs the other lines more than it contributes."
    text += (
        f" Care that began in {most['line_name']} went on to contribute {format_gbp(most['downstream_pence'])} "
        f"to other lines."
    )
    short = lines[(lines["surplus_pence"] < 0) & (lines["downstream_pence"] > 0)]
    turned = short[short["downstream_pence"] > -short["surplus_pence"]]
    if len(turned):
        text += (
            f" For {_list(turned['line_name'].tolist())} what began there contributes more elsewhere than "
            "the line's own deficit. It is not the line's to claim, but closing the line would put it at risk."
        )
    return text


def describe_shared(shared: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say how much of lines' care costs is spent in departments that they do not own."""
    rows = _name(shared, position)
    if rows.empty or rows["amount_pence"].sum() <= 0:
        return "No direct or indirect cost is known by department."
    is_own = rows["owner_line_id"] == rows["line_id"]
    own = rows.loc[is_own, "amount_pence"].sum() / rows["amount_pence"].sum()
    table = rows[is_own].set_index("line_name")["cost_prop"]
    every = rows["line_name"].drop_duplicates()
    table = every.map(table).fillna(0.0).set_axis(every).sort_values(kind="stable")
    return (
        f"Over all lines, {format_prop(own)} of direct and indirect cost arises in departments that the line "
        f"owns. {table.index[0]} depends most on others' departments: only {format_prop(table.iloc[0])} of its "
        "care costs are in its own."
    )


def describe_control(control: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say what share of cost lines decide themselves, and where the gap is widest."""
    lines = _name(control, position)
    total = lines["full_cost_pence"].sum()
    if lines.empty or total <= 0:
        return "No line has cost."
    if lines["not_recorded_pence"].sum() >= total:
        return (
            "The trust supplied no decision rights, so nothing says which costs a line decides. Holding a line "
            "to account for its surplus then has no basis in this report."
        )
    own = lines["controlled_end_pence"].sum()
    widest = lines.sort_values(["gap_prop", "line_id"], ascending=[False, True]).iloc[0]
    return (
        f"A line held to account for its surplus answers for all of its cost. Lines decide {format_prop(own / total)} "
        f"of it themselves. The gap is widest in {widest['line_name']}: it answers for "
        f"{format_gbp(widest['full_cost_pence'])} and decides {format_gbp(widest['controlled_end_pence'])}."
    )


def describe_changes(changes: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say which rights moved away from lines or to them within the year."""
    rows = _name(changes, position)
    lost = rows[rows["holder_start"] == "line"]
    won = rows[rows["holder_end"] == "line"]
    if lost.empty and won.empty:
        return "No decision moved to a line or away from one within the year."
    parts = []
    for some, words in ((lost, "taken back from"), (won, "given to")):
        if len(some):
            cases = [
                f"{row['line_name']} ({DECISIONS.get(row['decision'], row['decision'])})"
                for _, row in some.head(FEW_NAMES).iterrows()
            ]
            if len(some) > FEW_NAMES:
                cases.append(f"{len(some) - FEW_NAMES} more")
            parts.append(
                f"{count_words(len(some), 'decision')} over {format_gbp(some['amount_pence'].sum())} of cost "
                f"{'was' if len(some) == 1 else 'were'} {words} lines: {join_words(cases)}"
            )
    text = "; ".join(parts)
    return f"Within the year {text}."


def _name(table: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    kept = table[table["line_id"] != UNMAPPED]
    columns = [
        name
        for name in ("line_id", "line_name", "surplus_pence")
        if name == "line_id" or name not in kept
    ]
    return kept.merge(position[columns], on="line_id", how="inner", validate="many_to_one")


def _list(names: list[str]) -> str:
    more = len(names) - FEW_NAMES
    return join_words([*names[:FEW_NAMES], f"{more} more"] if more > 1 else names)
