"""The manifest: the same bytes for the same version, nothing unknown accepted, everything that it needs named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from estudio.core.service import ServiceIsolation
from estudio.errors import InvalidDocument, ObjectDamaged, StoreDamaged
from estudio.services.frozen_version import (
    digests_of,
    load_manifest,
    manifest_bytes,
    parse_manifest,
    save_manifest,
)

from .frozen_services import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "manifest.json"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def body(bench: Bench) -> Any:
    return json.loads(manifest_bytes(bench.frozen()))


def test_the_format_is_as_it_was(bench: Bench) -> None:
    assert json.dumps(body(bench), indent=1, sort_keys=True) + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_a_manifest_of_that_format_is_read(bench: Bench) -> None:
    assert parse_manifest(json.loads(GOLDEN.read_text(encoding="utf-8"))) == bench.frozen()


def test_it_comes_back_as_it_was_kept(bench: Bench) -> None:
    frozen = replace(bench.frozen(), isolation=ServiceIsolation.WORKER, row_wise=True, fixed={"a": [1, {"b": None}]})
    assert load_manifest(bench.objects, save_manifest(bench.objects, frozen)) == frozen
    assert manifest_bytes(frozen) == manifest_bytes(replace(frozen))


def test_everything_that_it_needs_is_named(bench: Bench) -> None:
    frozen = bench.frozen()
    manifest = save_manifest(bench.objects, frozen)
    kept = {digest for digest, _, _ in bench.objects.list_objects()}
    assert digests_of(bench.objects, manifest) == kept


@pytest.mark.parametrize(
    "harm",
    [
        lambda body: body.pop("snapshot"),
        lambda body: body.update(more=1),
        lambda body: body.update(seed="0"),
        lambda body: body.update(seed=True),
        lambda body: body.update(row_wise=0),
        lambda body: body.update(isolation="none"),
        lambda body: body.update(snapshot="../../etc/passwd"),
        lambda body: body.update(modules={}),
        lambda body: body["modules"][0].update(more=1),
        lambda body: body["modules"][1]["connections"]["dataset1"].pop("port"),
        lambda body: body["parameters"][0].update(type="code"),
        lambda body: body["values"][0]["output"].update(size_bytes=1.5),
        lambda body: body["values"][0]["output"].update(columns=[["x"]]),
        lambda body: body["environments"].update(default=1),
        lambda body: body["inputs"][0].update(columns=[1]),
    ],
)
def test_a_wrong_form_is_refused(bench: Bench, harm: Callable[[Any], object]) -> None:
    wrong = body(bench)
    harm(wrong)
    with pytest.raises(InvalidDocument):
        parse_manifest(wrong)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 1}', b"[" * 100_000])
def test_what_is_no_manifest_is_damaged(bench: Bench, content: bytes) -> None:
    with pytest.raises(ObjectDamaged):
        load_manifest(bench.objects, bench.objects.put_bytes(content))


def test_a_later_format_is_said_to_be_one(bench: Bench) -> None:
    with pytest.raises(StoreDamaged, match="later version"):
        parse_manifest({**body(bench), "format": 2})
