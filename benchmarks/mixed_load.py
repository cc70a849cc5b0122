"""Endurance of `estudio serve`: calls old and new, jobs, promotions, and every five seconds a process killed with -9.

What is counted is what went wrong: jobs that were lost, answers that were wrong, errors that no kill explains, memory
that grew. Ends by itself; ten minutes, or what `--seconds` says.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Bound, Goal, number, verdict
from benchmarks.report import Report, publish
from benchmarks.setting import Setting, peer_variables, read_setting
from benchmarks.web_services import ROW, free_port, published
from estudio.core.service import ServiceIsolation

SECONDS = 600.0
KILL_EVERY_SECONDS = 5.0
EXPLAINED_SECONDS = 3.0
"""A call that fails this long after a kill at most, or was in flight at one, failed by it."""
SCORERS = 3
JOB_ROWS = 3000
JOB_SECONDS = 120.0
"""A job that has not ended so long after it was made is lost."""
PAUSE_SECONDS = 0.02
SETTLED = 0.25
"""Memory is compared from this part of the time on: caches fill and pools start before."""


@dataclass
class Counted:
    """What happened, under one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    calls: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    errors: list[tuple[float, float, str]] = field(default_factory=list)
    """Begin, end, what."""
    kills: list[tuple[float, str]] = field(default_factory=list)
    jobs: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, int]] = field(default_factory=list)

    def unexplained(self) -> list[str]:
        """Errors of calls during which, or shortly before whose end, nothing was killed."""
        return [
            what
            for begin, end, what in self.errors
            if not any(begin - EXPLAINED_SECONDS <= at <= end for at, _ in self.kills)
        ]


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, its keys, and when all is to end."""

    port: int
    process: int
    keys: dict[ServiceIsolation, str]
    end: float


def ask(server: Server, method: str, path: str, key: str, body: object = None) -> tuple[int, bytes]:
    """One request on a connection of its own. Raises OSError, http.client.HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def score_forever(server: Server, counted: Counted, seed: int) -> None:
    """Calls of both services with other numbers each time; each answer is checked."""
    chance = random.Random(seed)
    while time.monotonic() < server.end:
        isolation = chance.choice(list(ServiceIsolation))
        rows = [
            dict(ROW, n0=chance.randrange(1000), n1=chance.randrange(1000)) for _ in range(chance.choice((1, 1, 50)))
        ]
        begin = time.monotonic()
        try:
            status, said = ask(server, "POST", f"/services/total-{isolation.value}/score", server.keys[isolation], rows)
        except (OSError, http.client.HTTPException) as error:
            _note_error(counted, begin, f"{isolation.value}: {type(error).__name__}")
        else:
            _judge(counted, begin, isolation.value, rows, status, said)
        time.sleep(PAUSE_SECONDS)


def _judge(
    counted: Counted, begin: float, what: str, rows: list[dict[str, float | str]], status: int, said: bytes
) -> None:
    if status != http.HTTPStatus.OK:
        _note_error(counted, begin, f"{what}: {status} {said[:200]!r}")
        return
    totals = [row["total"] for row in json.loads(said)["outputs"]["output1"]]
    with counted.lock:
        counted.calls[what] += 1
        if totals != [float(str(row["n0"])) + float(str(row["n1"])) for row in rows]:
            counted.wrong.append(what)


def _note_error(counted: Counted, begin: float, what: str) -> None:
    with counted.lock:
        counted.errors.append((begin, time.monotonic(), what))


def make_jobs(server: Server, counted: Counted) -> None:
    """A job every second; each is followed to its end and its rows are counted and added up."""
    key = server.keys[ServiceIsolation.CALL]
    open_jobs: dict[str, tuple[float, float]] = {}
    number_of = 0
    while time.monotonic() < server.end or open_jobs:
        if time.monotonic() < server.end:
            number_of += 1
            _make_job(server, counted, key, number_of, open_jobs)
        for place, (made, expected) in list(open_jobs.items()):
            state = _job_state(server, counted, key, place, expected)
            if state in {"finished", "failed", "cancelled", "wrong"} or time.monotonic() - made > JOB_SECONDS:
                del open_jobs[place]
                with counted.lock:
                    counted.jobs[state if state in {"finished", "failed", "cancelled", "wrong"} else "lost"] += 1
        time.sleep(1.0)


def _make_job(server: Server, counted: Counted, key: str, job: int, open_jobs: dict[str, tuple[float, float]]) -> None:
    rows = [dict(ROW, n0=place, n1=job) for place in range(JOB_ROWS)]
    begin = time.monotonic()
    try:
        status, said = ask(server, "POST", "/services/total-call/jobs", key, {"inputs": {"input1": rows}})
    except (OSError, http.client.HTTPException) as error:
        _note_error(counted, begin, f"making a job: {type(error).__name__}")
        return
    if status != http.HTTPStatus.ACCEPTED:
        _note_error(counted, begin, f"making a job: {status} {said[:200]!r}")
        return
    with counted.lock:
        counted.jobs["made"] += 1
    open_jobs[str(json.loads(said)["id"])] = (begin, float(sum(place + job for place in range(JOB_ROWS))))


def _job_state(server: Server, counted: Counted, key: str, job: str, expected: float) -> str:
    begin = time.monotonic()
    try:
        status, said = ask(server, "GET", f"/services/total-call/jobs/{job}", key)
        if status != http.HTTPStatus.OK:
            _note_error(counted, begin, f"asking for a job: {status} {said[:200]!r}")
            return "unknown"
        state = str(json.loads(said)["state"])
        if state == "finished":
            status, said = ask(server, "GET", f"/services/total-call/jobs/{job}/outputs/output1", key)
            lines = said.decode().splitlines()
            total = sum(float(line.rsplit(",", 1)[1]) for line in lines[1:])
            return "finished" if len(lines) == JOB_ROWS + 1 and total == expected else "wrong"
    except (OSError, http.client.HTTPException) as error:
        _note_error(counted, begin, f"asking for a job: {type(error).__name__}")
        return "unknown"
    return state


def descendants(root: int) -> dict[int, str]:
    """All processes below one, by number, with their names."""
    children: dict[int, list[int]] = {}
    names = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                said = (folder / "stat").read_text()
            except OSError:
                continue
            name, _, rest = said.partition("(")[2].rpartition(")")
            names[int(folder.name)] = name
            children.setdefault(int(rest.split()[1]), []).append(int(folder.name))
    found, left = {}, [root]
    while left:
        for child in children.get(left.pop(), []):
            found[child] = names[child]
            left.append(child)
    return found


def kill_forever(server: Server, counted: Counted) -> None:
    """One process below the supervisor at random, every five seconds."""
    chance = random.Random(1)
    while time.monotonic() + KILL_EVERY_SECONDS < server.end:
        time.sleep(KILL_EVERY_SECONDS)
        pid, name = chance.choice(sorted(descendants(server.process).items()))
        with counted.lock:
            counted.kills.append((time.monotonic(), name))
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def watch_memory(server: Server, counted: Counted) -> None:
    """Proportional memory of the whole tree, every five seconds."""
    while time.monotonic() < server.end:
        total = sum(map(_proportional_bytes, (server.process, *descendants(server.process))))
        with counted.lock:
            counted.memory.append((time.monotonic(), total))
        time.sleep(5.0)


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def growth(memory: list[tuple[float, int]]) -> float:
    """The median of the last quarter over the median of the second quarter."""
    settled = [size for _, size in memory]
    quarter = max(1, int(len(settled) * SETTLED))
    first, last = sorted(settled[quarter : 2 * quarter]), sorted(settled[-quarter:])
    return last[len(last) // 2] / first[len(first) // 2]


def endure(setting: Setting, seconds: float) -> Report:
    """Serve, load, kill, count."""
    counted = Counted()
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryFile() as words:
        folder = Path(name)
        keys = published(folder, setting)
        port = free_port()
        command = [sys.executable, "-m", "estudio", "serve", "--port", str(port), "--workers", "2"]
        process = subprocess.Popen(command, cwd=folder, stdout=words, stderr=words, env=peer_variables())
        try:
            server = Server(port, process.pid, keys, time.monotonic() + seconds + 20)
            _await(server)
            server = Server(port, process.pid, keys, time.monotonic() + seconds)
            tasks: list[Callable[[], None]] = [
                *(lambda seed=seed: score_forever(server, counted, seed) for seed in range(SCORERS)),
                lambda: make_jobs(server, counted),
                lambda: kill_forever(server, counted),
                lambda: watch_memory(server, counted),
            ]
            threads = [threading.Thread(target=task) for task in tasks]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            process.terminate()
            process.wait(60)
    return _report(counted, seconds)


def _await(server: Server) -> None:
    while True:
        try:
            status, said = ask(server, "POST", "/services/total-call/score", server.keys[ServiceIsolation.CALL], [ROW])
        except (OSError, http.client.HTTPException):
            status, said = 0, b"no connection"
        if status == http.HTTPStatus.OK:
            return
        if time.monotonic() > server.end:
            raise RuntimeError(f"the server does not answer: {status} {said!r}")
        time.sleep(0.2)


def _report(counted: Counted, seconds: float) -> Report:
    report = Report(
        "mixed_load", f"{seconds:.0f} s of calls and jobs, a process killed every 5 s", ("what", "count", "goal")
    )
    jobs = counted.jobs
    unexplained = counted.unexplained()
    for what, count in sorted(counted.calls.items()):
        report.add(f"calls answered, {what}", str(count))
    report.add("processes killed", str(len(counted.kills)))
    report.add("wrong answers", str(len(counted.wrong)), verdict(len(counted.wrong), Goal(Bound.AT_MOST, 0, "")))
    report.add("jobs made", str(jobs["made"]))
    report.add("jobs finished", str(jobs["finished"]))
    bad = jobs["made"] - jobs["finished"]
    report.add("jobs lost, failed or wrong", str(bad), verdict(bad, Goal(Bound.AT_MOST, 0, "")))
    report.add("errors in all", str(len(counted.errors)))
    report.add(
        "errors that no kill explains", str(len(unexplained)), verdict(len(unexplained), Goal(Bound.AT_MOST, 0, ""))
    )
    grown = growth(counted.memory)
    report.add("memory, last quarter ÷ second quarter", number(grown), verdict(grown, Goal(Bound.AT_MOST, 1.15)))
    report.note(
        "Killed: " + ", ".join(f"{name} {count}" for name, count in Counter(n for _, n in counted.kills).items())
    )
    for what, count in Counter(what for _, _, what in counted.errors).most_common(8):
        report.note(f"error, {count} times: {what}")
    for what in unexplained[:5]:
        report.note(f"not explained: {what}")
    return report


def main() -> None:
    """Endure and publish."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    own, others = parser.parse_known_args()
    setting = read_setting("mixed_load", __doc__ or "", others)
    report = endure(setting, 20.0 if setting.quick else own.seconds)
    publish(report, versions=setting.versions, record=setting.record, quick=setting.quick)


if __name__ == "__main__":
    main()
