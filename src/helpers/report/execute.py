"""Notebooks, run in a process apart.

papermill puts the parameters in and keeps the executed copy, as it does by hand; the cells run in
an IPython shell inside a child process instead of a kernel behind sockets. A trust's notebooks share
one child, which is put back as it was found after each; trusts never share one.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import random
import re
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.errors import HelpersError, StepError
from helpers.report.apart import Apart, list_places, shorten_error

ENGINE_NAME = "in_process"
INJECTED_ID = "injected-parameters"
LONGEST_ERROR = 600
SAVE_SECONDS = 3.0
WARM_IMPORTS = (
    "numpy", "pandas", "pandas.io.formats.csvs", "pandas.io.formats.string", "pyarrow.parquet", "pyarrow.pandas_compat",
    "duckdb", "scipy.special", "scipy.optimize", "scipy.sparse.csgraph", "matplotlib.figure", "matplotlib.font_manager", "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg", "papermill", "IPython.core.interactiveshell", "IPython.core.magics",
    "IPython.core.completer", "IPython.core.completerlib", "IPython.core.application", "IPython.core.oinspect",
    "IPython.core.logger", "helpers.report.exhibits", "nbconvert.exporters.templateexporter", "nbconvert.filters.markdown_mistune", "jinja2",
)  # fmt: skip


def warm_up() -> None:
    """Import what every notebook needs, so that a forked child need not. Opens and starts nothing."""
    for name in WARM_IMPORTS:
        __import__(name)


def execute_notebook(
    source: Path, executed: Path, parameters: dict[str, Any], *, child: Apart | None = None
) -> None:
    """Run one notebook in a child process and keep the executed copy.

    Parameters
    ----------
    source, executed
        The notebook, and where its executed copy goes (also when a cell fails).
    parameters
        Values for its parameters cell; names it lacks are refused.
    child
        The process it runs in; one of its own if None.

    Raises
    ------
    StepError, or the HelpersError the notebook raised
        With the message shown to the user; the executed copy holds the rest.
    """
    executed.parent.mkdir(parents=True, exist_ok=True)
    if child is not None:
        child.call(run_papermill, source, executed, parameters)
        return
    with Apart() as own:
        own.call(run_papermill, source, executed, parameters)


def run_papermill(source: Path, executed: Path, parameters: dict[str, Any]) -> None:
    """Run a notebook through papermill with the in-process engine, in this process."""
    import nbformat
    import papermill
    from papermill.engines import papermill_engines

    papermill_engines.register(ENGINE_NAME, _make_engine())
    notebook = nbformat.read(source, as_version=4)
    _check_parameters(notebook, parameters, source.name)
    failed: HelpersError | BaseException | None = None
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        contextlib.redirect_stderr(nowhere),
        left_as_found(),
    ):
        try:
            papermill.execute_notebook(
                str(source), str(executed), parameters, engine_name=ENGINE_NAME,
                kernel_name="python3", language="python", progress_bar=False, log_output=False,
            )  # fmt: skip
        except _CellFailed as error:
            failed = error.cause
    tidy_notebook(executed)
    if failed is not None:
        raise failed


@contextlib.contextmanager
def left_as_found() -> Iterator[None]:
    """Put back what a notebook may change for whoever runs after it in the same process.

    Its variables go, and with them what they hold open; settings of matplotlib, pandas and numpy,
    warnings, the environment, the working folder and random states are as they were.
    """
    import matplotlib as mpl
    import numpy as np
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    environment, folder = dict(os.environ), Path.cwd()
    states = random.getstate(), np.random.get_state()
    try:
        with mpl.rc_context(), warnings.catch_warnings(), np.errstate():
            yield
    finally:
        if InteractiveShell.initialized():
            InteractiveShell.instance().user_ns.clear()
            InteractiveShell.clear_instance()
        gc.collect()
        pd.reset_option("^(display|styler)")
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        random.setstate(states[0])
        np.random.set_state(states[1])


def _check_parameters(notebook: Any, parameters: dict[str, Any], name: str) -> None:
    """Refuse a value for a parameter that the notebook does not have."""
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    known = {
        line.split("=")[0].strip()
        for cell in cells
        for line in cell.source.splitlines()
        if "=" in line
    }
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise StepError(f"{name} has no parameter named {', '.join(unknown)}.")


class _CellFailed(Exception):
    """Carries what a cell raised past papermill, which would turn it into text."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(type(cause).__name__)
        self.cause = cause


def _make_engine() -> type:
    from papermill.engines import Engine

    class InProcessEngine(Engine):
        """A papermill engine that runs the cells here, in an IPython shell."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
            # papermill saves the copy at its start and end. In between it is saved for a reader who
            # must learn where a process was killed; before and after every cell would be too dear.
            shell, saved = _open_shell(), time.monotonic()
            for cell in nb_man.nb.cells:
                if cell.cell_type != "code":
                    continue
                if time.monotonic() - saved > SAVE_SECONDS:
                    nb_man.save()
                    saved = time.monotonic()
                error = _run_cell(shell, cell)
                if error is not None:
                    raise _CellFailed(error)

    return InProcessEngine


def _open_shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    InteractiveShell.clear_instance()
    return InteractiveShell.instance(config=settings, user_ns={"__name__": "__main__"})


def _run_cell(shell: Any, cell: Any) -> BaseException | None:
    """Run one cell, put its outputs in place as a kernel would, and return what it raised."""
    from IPython.core.displayhook import CapturingDisplayHook
    from IPython.core.displaypub import CapturingDisplayPublisher
    from nbformat import from_dict

    shown: list[dict[str, Any]] = []
    publisher, hook = CapturingDisplayPublisher(), CapturingDisplayHook(shell=shell, outputs=shown)
    publisher.outputs = shown
    usual = shell.display_pub, shell.display_trap.hook
    shell.display_pub, shell.display_trap.hook = publisher, hook
    shell.showtraceback = lambda *_, **__: None
    printed, complained = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            done = shell.run_cell(cell.source, store_history=True, silent=False)
    finally:
        shell.display_pub, shell.display_trap.hook = usual
    cell.execution_count = shell.execution_count - 1
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": name, "text": text}
        for name, text in (("stdout", printed.getvalue()), ("stderr", complained.getvalue()))
        if text
    ]
    outputs += [
        {
            "output_type": "display_data",
            "data": one["data"],
            "metadata": one.get("metadata") or {},
        }
        for one in shown
    ]
    error = done.error_before_exec or done.error_in_exec
    if error is not None:
        words = str(error) if isinstance(error, HelpersError) else shorten_error(error)
        outputs.append(
            {
                "output_type": "error",
                "ename": type(error).__name__,
                "evalue": words[:LONGEST_ERROR],
                "traceback": [*list_places(error), words],
            }
        )
    cell.outputs = from_dict(outputs)  # checked once, with the whole notebook, when it is written
    return error


def tidy_notebook(path: Path) -> None:
    """Rewrite an executed notebook so that the same run gives the same bytes.

    Times and random cell ids go; the folder that the run wrote to, a place on this machine, is
    blanked, so that the copy runs by hand.
    """
    import nbformat

    if not path.exists():
        return
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            cell["id"] = INJECTED_ID
            cell.source = re.sub(r"^folder = .*$", 'folder = ""', cell.source, flags=re.MULTILINE)
        if "papermill-error-cell-tag" in tags:
            cell["id"] = f"error-{cell['id'][:8]}"
    notebook.cells = [
        cell
        for cell in notebook.cells
        if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])
    ]
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
