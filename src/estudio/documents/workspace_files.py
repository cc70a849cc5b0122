"""Paths that documents name: inside the workspace or refused, whatever links lie in between.

A path is looked at once for each object of this class; make a new one when files may have changed.
"""

from __future__ import annotations

import os
from pathlib import Path

from estudio.core.parameter_values import find_path_problem, normal_path, shown
from estudio.documents.problems import ProblemCode
from estudio.errors import InvalidInput


class WorkspaceFiles:
    """The files and folders below a workspace's folder, by the paths of documents."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = os.path.realpath(root)
        self._seen: dict[tuple[str, bool], tuple[str, str] | None] = {}

    def path_of(self, path: str) -> Path:
        """Where a file or folder lies.

        Raises:
            InvalidInput: no path of the workspace, outside of it, or not there.
        """
        problem = find_path_problem(path)
        found = (problem.code, problem.words) if problem else self.find_problem(path, must_exist=True)
        if found is not None:
            raise InvalidInput(f"The path {found[1]}.", path=path)
        return self.root / normal_path(path)

    def find_problem(self, path: str, *, must_exist: bool) -> tuple[str, str] | None:
        """Why a path of right form cannot be used: a code, and a clause that follows the field's name."""
        known = path, must_exist
        if known not in self._seen:
            self._seen[known] = self._find_problem(path, must_exist)
        return self._seen[known]

    def _find_problem(self, path: str, must_exist: bool) -> tuple[str, str] | None:
        try:
            real = os.path.realpath(os.path.join(self._real_root, path))  # noqa: PTH118 Path.resolve is slower
            inside = real == self._real_root or real.startswith(self._real_root.rstrip("/") + "/")
            there = os.path.exists(real)  # noqa: PTH110
        except (OSError, ValueError) as error:
            return ProblemCode.WRONG_PATH, f"is {shown(path)}, which cannot be looked at ({error})"
        if not inside:
            rule = "everything a run uses lies in the workspace: copy it there"
            return ProblemCode.WRONG_PATH, f"is {shown(path)}, a link that leaves the workspace; {rule}"
        if must_exist and not there:
            return ProblemCode.MISSING_FILE, f"is {shown(path)}, which does not exist{self._near(path)}"
        return None

    def _near(self, path: str) -> str:
        """How far the path is right, in words."""
        parts = normal_path(path).split("/")
        for depth in range(len(parts) - 1, -1, -1):
            folder = Path(self._real_root, *parts[:depth])
            if folder.is_dir():
                where = f"the folder {'/'.join(parts[:depth])!r}" if depth else "the workspace's folder"
                return f": there is no {parts[depth]!r} in {where}"
        return ": write a path from the workspace's folder"
