"""Interpreters and packages: from a spec to a locked, built, shared environment."""
