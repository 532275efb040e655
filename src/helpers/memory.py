"""How much memory this machine, or the container we run in, has to spare."""

from __future__ import annotations

from pathlib import Path

CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def find_free_bytes() -> int:
    """Return the memory that is free, within the limit of a container."""
    import psutil

    free = psutil.virtual_memory().available
    for place in CONTAINER_LIMITS:
        try:
            free = min(free, int(Path(place).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return free
