"""Which Python modules a zygote imports before any script: a default by package, where a spec says nothing.

Every preloaded module costs memory and start-up in each zygote, and saves its import in each script call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from estudio.core.environment import EnvironmentSpec

ALWAYS = {"numpy": ("numpy",), "pandas": ("pandas",), "pyarrow": ("pyarrow",)}
"""What the hand-over of tables itself uses, by package."""
WHEN_USED = {
    "matplotlib": ("matplotlib.pyplot",),
    "networkx": ("networkx",),
    "nltk": ("nltk",),
    "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn", "sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection"),
    "scipy": ("scipy.stats", "scipy.optimize", "scipy.sparse"),
    "seaborn": ("seaborn",),
    "statsmodels": ("statsmodels.api", "statsmodels.formula.api"),
    "sympy": ("sympy",),
}
"""What takes more than some 100 ms to import, by package."""


def preloads_of(spec: EnvironmentSpec, packages: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Both tiers for a spec whose environment holds these packages (normalised names)."""
    always = spec.preload
    if always is None:
        always = tuple(module for package, modules in ALWAYS.items() if package in packages for module in modules)
    when_used = spec.preload_when_used
    if when_used is None:
        when_used = tuple(module for package, modules in WHEN_USED.items() if package in packages for module in modules)
    return always, when_used
