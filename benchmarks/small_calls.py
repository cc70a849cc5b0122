"""Small calls: a fresh walled guest per call, beside the standard library's fresh process per call, and a cold Python.

The two take turns in rounds of many calls with a pause between, so that neither pays for the other's cleaning up.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import Bound, Goal, Spread, milliseconds, spread, verdict
from benchmarks.peer import Peer
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, executor, finished_call, peer_variables, read_setting
from benchmarks.small_table import IDENTITY, fresh, small_table
from estudio.core.outcome import IsolationLevel
from estudio.modules.execute_python_script import ScriptExecutor

SETTLE_SECONDS = 0.2
"""Between two sides' turns: refilled guests and ended children of the one must not slow the other."""
PACE_SECONDS = 0.05
AGAINST_FORKSERVER = Goal(Bound.AT_MOST, 0.4)
AGAINST_COLD = Goal(Bound.AT_MOST, 1 / 80)
TAIL = Goal(Bound.AT_MOST, 3.0, "× own p50")

Turn = Callable[[int, float], list[float]]


def estudio_turn(target: ScriptExecutor) -> Turn:
    """Calls of the identity script, one after the other."""
    table = small_table()

    def turn(count: int, pace: float) -> list[float]:
        seconds = []
        for _ in range(count):
            start = time.perf_counter()
            outcome = finished_call(target, IDENTITY, fresh(table))
            seconds.append(time.perf_counter() - start)
            if outcome.table != table:
                raise RuntimeError("the result is not what went in")
            time.sleep(max(0.0, pace - seconds[-1]))
        return seconds

    return turn


def peer_turn(peer: Peer) -> Turn:
    """Calls of a peer; it says by itself how long each took."""
    return lambda count, pace: list(map(float, peer.ask("calls", count=count, pace=pace)))


def cold_turn(setting: Setting, folder: Path) -> Turn:
    """A whole cold process per call, a tenth as many calls: each takes half a second."""
    source, target = folder / "in.csv", folder / "out.csv"
    small_table().to_pandas().to_csv(source, index=False)
    program = Path(__file__).parent / "peers" / "cold_csv.py"
    command = [setting.environment.python, str(program), str(source), str(target)]

    def turn(count: int, _: float) -> list[float]:
        seconds = []
        for _ in range(max(1, count // 25)):
            start = time.perf_counter()
            subprocess.run(command, check=True, env=peer_variables())
            seconds.append(time.perf_counter() - start)
        return seconds

    return turn


def take_turns(turns: dict[str, Turn], *, rounds: int, count: int, pace: float) -> dict[str, Spread]:
    """Every side's turn, round after round."""
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            time.sleep(SETTLE_SECONDS)
            seconds[name] += turn(count, pace)
    return {name: spread(measured) for name, measured in seconds.items()}


ESTUDIO, FORKSERVER, TUNED, COLD = (
    "estudio, walled",
    "stdlib forkserver, pandas + pyarrow preloaded",
    "the same, warmed up and frozen by hand",
    "cold python + pandas + CSV",
)
UNREADY, NO_WALLS = "estudio, walled, no guest ready ahead", "estudio, --isolation none (none ready ahead)"


def measure(setting: Setting) -> Report:
    """All sides, back to back and paced."""
    report = Report(
        "small_calls",
        "identity of 10 rows × 5 mixed columns, a fresh process per call, ms",
        ("way", "pace", "n", "p50", "p90", "p99", "p50 ÷ estudio's", "goal"),
    )
    rounds, count = (2, 10) if setting.quick else (6, 50)
    with (
        tempfile.TemporaryDirectory() as folder,
        executor(setting) as walled,
        executor(setting, ahead=0) as unready,
        executor(setting, isolation=IsolationLevel.NONE, ahead=0) as bare,
        Peer(setting, "forkserver.py") as forkserver,
        Peer(setting, "forkserver.py", "warmed") as tuned,
    ):
        forkserver.ask("check")
        tuned.ask("check")
        turns = {
            ESTUDIO: estudio_turn(walled),
            FORKSERVER: peer_turn(forkserver),
            TUNED: peer_turn(tuned),
            UNREADY: estudio_turn(unready),
            NO_WALLS: estudio_turn(bare),
            COLD: cold_turn(setting, Path(folder)),
        }
        for turn in turns.values():
            turn(5, 0.0)
        _rows(report, "back to back", take_turns(turns, rounds=rounds, count=count, pace=0.0))
        del turns[COLD], turns[TUNED], turns[UNREADY], turns[NO_WALLS]
        paced = take_turns(turns, rounds=rounds, count=count, pace=PACE_SECONDS)
        _rows(report, f"every {PACE_SECONDS * 1000:.0f} ms", paced)
    report.note("The clock stops when the result is in hand; the forkserver's child is waited for after that.")
    report.note("estudio's result is validated; the forkserver's is unpickled, which trusts the child with everything.")
    report.note("The price of the walls is the difference of the two rows without guests ready ahead.")
    return report


def _rows(report: Report, pace: str, found: dict[str, Spread]) -> None:
    own = found[ESTUDIO]
    for name, figures in found.items():
        goal = ""
        if name == ESTUDIO:
            goal = "p99: " + verdict(own.p99 / own.p50, TAIL)
        elif name == FORKSERVER:
            goal = "estudio: " + verdict(own.p50 / figures.p50, AGAINST_FORKSERVER)
        elif name == COLD:
            goal = "estudio: " + verdict(own.p50 / figures.p50, AGAINST_COLD)
        cells = (milliseconds(value) for value in (figures.p50, figures.p90, figures.p99))
        report.add(name, pace, str(figures.count), *cells, f"{figures.p50 / own.p50:.2f}", goal)


def main() -> None:
    """Measure and publish."""
    setting = read_setting("small_calls", "estudio beside forkserver and a cold Python")
    publish(measure(setting), versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
