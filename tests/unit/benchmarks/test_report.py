"""Tables for people: aligned, complete, without a trace of who measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import report as reports
from benchmarks.machine import machine_facts
from benchmarks.report import Report, aligned, document, publish


def sample() -> Report:
    report = Report("sample", "a title", ("way", "ms"), load_before="0.1 0.2 0.3")
    report.add("ours", "1.5")
    report.add("theirs")
    report.note("a note")
    return report


def test_a_document_is_a_section_with_table_notes_and_facts() -> None:
    assert document(sample(), facts=["a machine"], load_after="0.4 0.5 0.6") == (
        "## sample: a title\n\n"
        "| way    | ms  |\n"
        "| ------ | --- |\n"
        "| ours   | 1.5 |\n"
        "| theirs |     |\n\n"
        "- a note\n\n"
        "a machine\n"
        "load average before 0.1 0.2 0.3, after 0.4 0.5 0.6\n"
    )


def test_a_row_with_too_many_cells_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 cells"):
        sample().add("a", "b", "c")


def test_a_table_without_rows_is_a_head() -> None:
    assert aligned(("a", "bc"), []) == "| a | bc |\n| - | -- |"


def test_recording_appends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "RESULTS.md"
    monkeypatch.setattr(reports, "RESULTS", target)
    publish(sample(), versions="Python 3", record=False, quick=False)
    assert not target.exists()
    publish(sample(), versions="Python 3", record=True, quick=True)
    publish(sample(), versions="Python 3", record=True, quick=False)
    text = target.read_text(encoding="utf-8")
    assert text.startswith("# Results\n\n## sample: a title\n")
    assert text.count("# Results") == 1
    assert text.count("## sample") == 2
    assert text.count("a quick run") == 1
    assert "## sample: a title" in capsys.readouterr().out


def test_facts_name_no_folder() -> None:
    assert all(str(Path.home()) not in fact and str(Path.cwd()) not in fact for fact in machine_facts())
