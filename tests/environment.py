"""What this machine has: the project's own environment, Spark."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def need_own_environment() -> dict[str, str]:
    """Return the variables with which set-up finds this environment current, or skip.

    Set-up run from another copy of the project would change the environment that both share.
    """
    sys.path.insert(0, str(ROOT))
    try:
        from setup_env import is_current
    finally:
        sys.path.remove(str(ROOT))
    if not is_current(Path(sys.prefix), ROOT / "requirements.lock"):
        pytest.skip("this environment was not set up from this copy of the project")
    return {**os.environ, "SLR_ENV": sys.prefix}


def need_spark() -> None:
    """Skip, and say why, where Spark cannot run."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: python setup_env.py --spark")
    from helpers.engine_spark import check_java
    from helpers.errors import CommandError

    try:
        check_java()
    except CommandError as error:
        pytest.skip(str(error).splitlines()[0])
