"""One notebook, run in a process of its own.

papermill puts the parameters in and keeps the executed copy, as it does by hand; the cells run in
an IPython shell inside a child process instead of a kernel behind sockets. The child is forked from
a parent that has imported the libraries (or started afresh where fork is absent), so that nothing a
run does reaches another.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from helpers.errors import DEBUG, HelpersError, StepError, describe_disk_error
from helpers.report.stopping import hold_signals, take_signals

ENGINE_NAME = "in_process"
INJECTED_ID = "injected-parameters"
LONGEST_ERROR = 600
SAVE_SECONDS = 3.0
WARM_IMPORTS = (
    "numpy", "pandas", "pandas.io.formats.csvs", "pandas.io.formats.string", "pyarrow.parquet", "pyarrow.pandas_compat",
    "duckdb", "scipy.stats", "matplotlib.figure", "matplotlib.font_manager", "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg", "papermill", "IPython.core.interactiveshell", "IPython.core.magics",
    "IPython.core.completer", "IPython.core.completerlib", "IPython.core.application", "IPython.core.oinspect",
    "IPython.core.logger", "helpers.report.exhibits", "nbconvert.exporters.templateexporter", "nbconvert.filters.markdown_mistune", "jinja2",
)  # fmt: skip


def warm_up() -> None:
    """Import what every notebook needs, so that a forked child need not. Opens and starts nothing."""
    for name in WARM_IMPORTS:
        __import__(name)


def execute_notebook(
    source: Path, executed: Path, parameters: dict[str, Any], *, way: str = ""
) -> None:
    """Run one notebook in a child process and keep the executed copy.

    Parameters
    ----------
    source, executed
        The notebook, and where its executed copy goes (also when a cell fails).
    parameters
        Values for its parameters cell; names it lacks are refused.
    way
        ``fork`` or ``spawn``; the fastest one that the system has if blank.

    Raises
    ------
    StepError, or the HelpersError the notebook raised
        With the message shown to the user; the executed copy holds the rest.
    """
    executed.parent.mkdir(parents=True, exist_ok=True)
    run_apart(run_papermill, source, executed, parameters, way=way)


def run_apart(work: Callable[..., None], *given: Any, way: str = "") -> None:
    """Call a function in a child process, so that what it opens never reaches another.

    Parameters
    ----------
    work, given
        A function of a module, and what it is given; what it returns is lost.
    way
        As for ``execute_notebook``.

    Raises
    ------
    StepError, or the HelpersError the function raised
        With the message shown to the user.
    """
    way = way or ("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")
    context = multiprocessing.get_context(way)
    ear, mouth = context.Pipe(duplex=False)
    child = context.Process(target=_run_child, args=(work, given, mouth))
    sys.stdout.flush()
    try:
        with hold_signals(), _shared_memory_kept():
            child.start()
        mouth.close()
        told = _hear(ear)
        child.join()
    finally:
        ear.close()
        if child.is_alive():
            child.terminate()
            child.join(5)
            if child.is_alive():
                child.kill()
                child.join()
    if told is None:
        raise StepError(_describe_death(child.exitcode))
    if told["message"]:
        raise _rebuild_error(told)


@contextlib.contextmanager
def _shared_memory_kept() -> Iterator[None]:
    """Keep what is loaded out of a forked child's garbage collection, which would copy it all."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _hear(ear: Connection) -> dict[str, Any] | None:
    """Wait for a child's last words; None if it ended without any."""
    try:
        return json.loads(ear.recv_bytes())
    except EOFError:
        return None


def _describe_death(exit_code: int | None) -> str:
    names = {-one.value: one.name for one in signal.Signals}
    if exit_code in names:
        name = names[exit_code]
        return (
            f"its process was ended from outside ({name}), as happens when memory runs out.\n"
            "Close other programs and run the same command again; finished steps are not redone."
        )
    return (
        f"its process ended with code {exit_code} and said nothing.\n"
        "Run the same command again; finished steps are not redone."
    )


def _rebuild_error(told: dict[str, Any]) -> HelpersError:
    error: HelpersError = StepError(told["message"])
    error.exit_code = told["exit_code"]
    return error


def _run_child(work: Callable[..., None], given: tuple[Any, ...], mouth: Connection) -> None:
    """Run in the child: do the work, and say how it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    os.environ.setdefault("MPLBACKEND", "agg")
    told: dict[str, Any] = {"message": "", "exit_code": 1}
    try:
        work(*given)
    except HelpersError as error:
        told = {"message": str(error), "exit_code": error.exit_code}
    except MemoryError:
        told["message"] = (
            "it ran out of memory. Close other programs and run the same command again."
        )
    except OSError as error:
        told["message"] = describe_disk_error(error)
    except BaseException as error:
        told["message"] = _shorten_error(error)
    mouth.send_bytes(json.dumps(told).encode())
    mouth.close()


def end_with_parent() -> None:
    """End this child process when its parent has gone, so that no orphan goes on writing.

    A child is born with the requests to stop held back; here it takes them again.
    """
    take_signals()
    parent = multiprocessing.parent_process()

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _shorten_error(error: BaseException) -> str:
    """Return an unexpected error as one line, with the place in our code but no values from data."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error, file=sys.__stderr__)
    places = _list_places(error)
    where = f" at {places[-1]}" if places else ""
    return (
        f"an unexpected {type(error).__name__}{where}. This is a fault in the program, not in your "
        f"files. {DEBUG}=1 shows more, values from data among it."
    )


def _list_places(error: BaseException) -> list[str]:
    """Return where an error came through our code, outermost first: file, line, function."""
    return [
        f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "helpers" in frame.filename and Path(frame.filename) != Path(__file__)
    ]


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
        words = str(error) if isinstance(error, HelpersError) else _shorten_error(error)
        outputs.append(
            {
                "output_type": "error",
                "ename": type(error).__name__,
                "evalue": words[:LONGEST_ERROR],
                "traceback": [*_list_places(error), words],
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
