"""The view of a run that goes on: plain lines, JSON lines, and the part of a terminal that is drawn anew."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from estudio.cli.module_lines import outputs_words, seconds_words
from estudio.cli.run_documents import event_document
from estudio.cli.run_progress import MAX_LAST_LINES, LastLines, RunProgress
from estudio.cli.run_view import MAX_QUIET_LINES, RunView
from estudio.cli.screen_lines import MAX_DRAWN_MODULES, LiveLines, PlainLines
from estudio.cli.state_words import MODULE_WORDS, REASON_WORDS, RUN_WORDS
from estudio.core.events import ModuleChanged, RunChanged
from estudio.core.run import ModuleRun, ModuleState, ReasonCode, RunState

from .golden_files import same_as_golden
from .run_events import DATA, EVENTS, RUN_ID, STARTED, running


class Utf8(io.StringIO):
    """A stream that can show signs."""

    encoding = "utf-8"


class Terminal(Utf8):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_every_state_and_reason_has_its_words() -> None:
    assert set(MODULE_WORDS) == set(ModuleState)
    assert set(RUN_WORDS) == set(RunState)
    assert set(REASON_WORDS) == set(ReasonCode)
    signs = [words.sign for words in MODULE_WORDS.values()]
    assert len(set(signs)) == len(signs)
    assert all(words.plain_sign.isascii() for words in (*MODULE_WORDS.values(), *RUN_WORDS.values()))


@pytest.mark.parametrize(("stream", "name"), [(Utf8(), "run-view.txt"), (io.StringIO(), "run-view-ascii.txt")])
def test_plain_lines(stream: io.StringIO, name: str) -> None:
    with RunView(PlainLines(stream)) as view:
        for event in EVENTS:
            view.show(event)
    same_as_golden(name, (stream.getvalue(), ""))


def test_json_lines_are_json_and_stable() -> None:
    lines = "".join(json.dumps(event_document(event), allow_nan=False) + "\n" for event in EVENTS)
    same_as_golden("run-view-json-lines.txt", (lines, ""))


def test_a_terminal_shows_what_runs_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    lines = LiveLines(stream)
    with RunView(lines) as view:
        for event in EVENTS[:7]:
            view.show(event)
        lines._live.refresh()
        drawn = stream.getvalue()
        assert "▶ rank  runs" in drawn
        assert "30 %" in drawn
        assert "now ^[[2Jhalf" in drawn
        assert "1 waiting, 1 running, 1 finished, 1 reused" in drawn
        for event in EVENTS[7:]:
            view.show(event)
    after = stream.getvalue()[len(drawn) :]
    assert "KeyError: 'ñ'" in after
    assert "Run failed after 2.50 s" in after
    assert "\x1b[?25h" in after


def test_many_quiet_modules_are_counted_not_listed() -> None:
    stream = Utf8()
    names = tuple(f"m{number}" for number in range(3_000))
    with RunView(PlainLines(stream)) as view:
        view.show(RunChanged(STARTED, names))
        for name in names:
            view.show(ModuleChanged(RUN_ID, replace(DATA, module=name)))
        view.show(RunChanged(replace(STARTED, state=RunState.FINISHED, ended_at=1001.0)))
    shown = stream.getvalue().splitlines()
    assert len(shown) == 1 + MAX_QUIET_LINES + 2
    assert shown[-2:] == [
        "… and 2,900 more modules that were not executed.",
        "Run finished after 1.00 s: 3,000 reused.",
    ]


def test_many_running_modules_are_drawn_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    lines = LiveLines(stream)
    names = tuple(f"m{number}" for number in range(50))
    with RunView(lines) as view:
        view.show(RunChanged(STARTED, names))
        for name in names:
            view.show(ModuleChanged(RUN_ID, running(ModuleRun(name, "dataset"))))
        assert len(lines._drawn) == MAX_DRAWN_MODULES
        assert lines._below == f"50 running ({50 - MAX_DRAWN_MODULES} more)"


def test_last_lines_are_few_and_whole() -> None:
    last = LastLines()
    last.feed("".join(f"line {number}\n" for number in range(10_000)))
    last.feed("half")
    assert last.lines() == ["line 9998", "line 9999", "half"]
    assert len(last.lines()) == MAX_LAST_LINES
    last.feed("\rall\r\nnext")
    assert last.lines() == ["line 9999", "all", "next"]
    last.feed("x" * 1_000_000)
    assert len(last.lines()[-1]) <= 400


def test_counts_follow_the_states() -> None:
    progress = RunProgress()
    for event in EVENTS:
        progress.feed(event)
    assert {state: count for state, count in progress.counts.items() if count} == {
        ModuleState.REUSED: 1,
        ModuleState.FINISHED: 1,
        ModuleState.FAILED: 1,
        ModuleState.BLOCKED: 1,
    }
    assert progress.running == {}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1.0, "0 ms"),
        (0.041, "41 ms"),
        (0.41, "0.41 s"),
        (12.34, "12.3 s"),
        (185.0, "3 min 5 s"),
        (7800.0, "2 h 10 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert seconds_words(seconds) == words


def test_one_of_each_is_singular() -> None:
    table = replace(DATA.outputs[0], row_count=1, columns=(("a", "int64"),))
    assert outputs_words([table], unicode=False) == "1 row x 1 column"
    assert outputs_words([]) == ""
