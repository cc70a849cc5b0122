"""Every implementation of a protocol, for the one suite that it must pass."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from estudio.store.database import Database
from estudio.store.memory import MemoryDatasets, MemoryObjects, MemoryRuns
from estudio.store.memory_jobs import MemoryJobs
from estudio.store.memory_services import MemoryServices
from estudio.store.objects import ObjectFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estudio.store.protocols import DatasetRepository, ObjectStore, RunRepository
    from estudio.store.service_protocols import JobRepository, ServiceRepository


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "store" / "database.sqlite") as opened:
        yield opened


@pytest.fixture(params=["memory", "database"])
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunRepository]:
    ticks = itertools.count(5000)
    if request.param == "memory":
        yield MemoryRuns(clock=lambda: float(next(ticks)))
        return
    with Database(tmp_path / "database.sqlite", clock=lambda: float(next(ticks))) as opened:
        yield opened.runs


@pytest.fixture(params=["memory", "database"])
def datasets(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatasetRepository]:
    if request.param == "memory":
        yield MemoryDatasets()
        return
    with Database(tmp_path / "database.sqlite") as opened:
        yield opened.datasets


@pytest.fixture(params=["memory", "folder"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return MemoryObjects() if request.param == "memory" else ObjectFolder(tmp_path / "objects")


@pytest.fixture(params=["memory", "database"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ServiceRepository, JobRepository]]:
    """Services, and the jobs of their endpoints."""
    if request.param == "memory":
        services = MemoryServices()
        yield services, MemoryJobs(services)
        return
    with Database(tmp_path / "database.sqlite") as opened:
        yield opened.services, opened.jobs
