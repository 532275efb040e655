"""Figures that would be unreadable in half the width carry a form of their own for a phone."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.text import Text

from helpers.contracts.terms import PODS
from helpers.report.figures.cleaning import plot_field_months
from helpers.report.figures.costing import plot_money_flow
from helpers.report.figures.flows import plot_funding_flows
from helpers.report.figures.line_detail import plot_department_use
from helpers.report.figures.narrow import draw_form
from helpers.report.figures.phone import Bar, add_phone_form, draw_stages, get_phone_form
from helpers.report.figures.picture import draw_pictures
from helpers.report.figures.portfolio import plot_portfolio
from helpers.report.figures.style import NARROW_INCHES, new_figure, report_style
from helpers.report.figures.subsidy import plot_within_line

N = 20
NAMES = [f"Line of some length {k}" for k in range(N)]
IDS = [f"L{k:02d}" for k in range(N)]


def list_words(figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text) if text.get_visible()}


def position() -> pd.DataFrame:
    surplus = [(k - 10) * 1_000_000 + 1 for k in range(N)]
    return pd.DataFrame(
        {
            "line_id": IDS, "line_name": NAMES, "surplus_pence": surplus, "class": "funder",
            "sign_label": ["rule_dependent" if k % 7 == 3 else "stable" for k in range(N)],
        }
    )  # fmt: skip


def grid_of_fields():
    rows = [
        (file, field, month, 0.3)
        for file, field in (
            ("ed_attendances", "admitted_spell_id"),
            ("op_attendances", "tfc"),
            ("op_attendances", "booked_minutes"),
            ("apc_episodes", "discharge_ready_date"),
            ("therapy_contacts", "spell_or_attendance_id"),
        )
        for month in range(1, 13)
    ]
    return plot_field_months(pd.DataFrame(rows, columns=["file", "field", "month", "present_prop"]))


def grid_of_departments():
    share = {f"Department number {k}": [0.05] * N for k in range(9)}
    return plot_department_use(pd.DataFrame(share, index=NAMES))


def grid_of_points_of_delivery():
    rows = [(line, pod, 1_000_000 * k) for k, line in enumerate(IDS) for pod in PODS]
    within = pd.DataFrame(rows, columns=["line_id", "pod", "surplus_pence"])
    return plot_within_line(within, position())


def map_of_lines():
    lines = position().assign(
        income_pence=[10**8 + k * 10**7 for k in range(N)],
        margin_prop=[0.1 + (k * 7 % 20) / 100 for k in range(N)],
        income_prop=[0.01 + 0.004 * k for k in range(N)],
        growth_prop=float("nan"),
    )
    return plot_portfolio(
        lines.assign(contribution_pence=(lines["income_pence"] * lines["margin_prop"]).astype(int))
    )


def flows_between_lines():
    place = position()
    surplus = place["surplus_pence"]
    lines = place[["line_id", "surplus_pence"]].assign(
        retained_pence=surplus.clip(lower=0) // 2, unfunded_pence=0
    )
    pairs = [(a, b, 500_000) for a in IDS[11:] for b in IDS[:9]]
    names = ["funder_line_id", "receiver_line_id", "amount_pence"]
    return plot_funding_flows(lines, pd.DataFrame(pairs, columns=names), place)


def flow_of_money():
    rows = [
        (line, tier, feed, 1_000_000 * (k + 1))
        for k, line in enumerate(IDS)
        for tier in ("direct", "overhead")
        for feed in ("ward", "theatre", "clinic", "ed", "tests")
    ]
    pools = pd.DataFrame(rows, columns=["line_id", "tier", "feed", "amount_pence"])
    return plot_money_flow(pools, pd.DataFrame({"line_id": IDS, "line_name": NAMES}))


@pytest.mark.parametrize(
    "draw",
    [
        grid_of_fields, grid_of_departments, grid_of_points_of_delivery, map_of_lines,
        flows_between_lines, flow_of_money,
    ],
    ids=lambda draw: draw.__name__,
)  # fmt: skip
def test_its_form_for_a_phone_fits_and_cuts_no_word(draw):
    wide, narrow = draw_pictures(draw())
    assert narrow is not None
    assert narrow.width == round(NARROW_INCHES * 96) < wide.width


def test_every_cell_of_a_grid_is_in_its_form_too():
    form = get_phone_form(grid_of_points_of_delivery())
    assert sum(len(axes.patches) for axes in form.axes) == N * (len(PODS) + 1)  # and the total


def test_every_line_of_a_map_is_in_the_key_below_it():
    words = list_words(get_phone_form(map_of_lines()))
    assert {str(number) for number in range(1, N + 1)} <= words
    assert sum(name in word for word in words for name in NAMES) >= N


def test_bars_hold_the_amounts_of_the_blocks():
    form = draw_stages(
        [
            ("Earn", [Bar("Ophthalmology", 3.0, "£3", "#12436D"), Bar("Other", 1.0, "£1", "#6F777B")]),
            ("Cost", [Bar("Maternity", 4.0, "£4", "#F46A25", "////")]),
        ]
    )  # fmt: skip
    assert {"Earn", "Cost", "Ophthalmology", "Maternity", "£3", "£1", "£4"} <= list_words(form)
    sizes = [patch.get_width() for axes in form.axes for patch in axes.patches]
    assert sizes == [3.0, 1.0, 4.0]
    left, right = (axes.get_xlim() for axes in form.axes)
    assert left == right  # one scale, so that bars of both panels can be compared


def test_a_form_whose_words_meet_is_not_shown():
    with report_style():
        figure, _ = new_figure(2)
        form, axes = new_figure(2, width=NARROW_INCHES)
        for _ in range(2):
            axes.text(0.5, 0.5, "One on the other")
    assert draw_form(form) == ""
    assert draw_pictures(add_phone_form(figure, form))[1] is None
