"""Idle memory: what one ready guest holds for itself while it waits, page tables included.

Pages that it shares with its zygote are the zygote's; they are paid once for all guests.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Bound, Goal, number, spread, verdict
from benchmarks.report import Report, publish
from benchmarks.setting import PLAIN, Setting, executor, finished_call, read_setting
from benchmarks.small_table import IDENTITY, small_table
from estudio.core.limits import Limits
from estudio.sandbox.guests import Guest
from estudio.sandbox.policy import GuestProfile

GOAL = Goal(Bound.AT_MOST, 5.0, "MB")
SETTLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one process: its own pages, and the tables that map them."""

    private: int
    page_tables: int
    resident: int

    @property
    def own(self) -> int:
        """What goes when the process goes."""
        return self.private + self.page_tables


def memory_of(pid: int) -> Memory:
    """What a process holds.

    Raises:
        OSError: it is gone, or another user's.
    """
    facts = kilobytes(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"))
    tables = kilobytes(Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace"))["VmPTE"]
    return Memory((facts["Private_Dirty"] + facts["Private_Clean"]) * 1024, tables * 1024, facts["Rss"] * 1024)


def kilobytes(text: str) -> dict[str, int]:
    """The `Name: 123 kB` lines of a file of /proc."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB" and words[0].endswith(":"):
            found[words[0][:-1]] = int(words[1])
    return found


def measure(setting: Setting) -> Report:
    """Some guests, ready and idle, of a zygote that has served calls."""
    report = Report("idle_memory", "memory of a ready guest, MB", ("what", "n", "least", "p50", "most", "goal"))
    count = 3 if setting.quick else 10
    profile = GuestProfile(Limits().disk_bytes)
    with executor(setting) as target:
        for _ in range(20):
            finished_call(target, IDENTITY, small_table())
        pool = target.pools.pool_for(PLAIN)
        guests: list[Guest] = []
        try:
            guests.extend(pool.take(profile) for _ in range(count))
            time.sleep(SETTLE_SECONDS)
            found = [memory_of(guest.pid) for guest in guests]
        finally:
            for guest in guests:
                guest.kill()
                guest.close()
    own = spread([memory.own / 1e6 for memory in found])
    report.add(
        "private pages and page tables",
        str(own.count),
        *(number(value) for value in (own.least, own.p50, own.most)),
        verdict(own.most, GOAL),
    )
    for name in ("private", "page_tables", "resident"):
        part = spread([getattr(memory, name) / 1e6 for memory in found])
        cells = (number(value) for value in (part.least, part.p50, part.most))
        report.add(
            {"resident": "resident, shared pages included"}.get(name, "  " + name.replace("_", " ")), str(count), *cells
        )
    report.note("Private_Dirty + Private_Clean of smaps_rollup, and VmPTE of status; the goal is held by the largest.")
    return report


def main() -> None:
    """Measure and publish."""
    setting = read_setting("idle_memory", "memory per ready guest")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
