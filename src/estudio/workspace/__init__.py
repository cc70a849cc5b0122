"""Use cases: one noun per file. `open.py` is the only place that builds real parts."""
