"""The command line: it parses, asks the workspace and renders, and decides nothing.

Its modules import Typer, Rich and the workspace late: a run must not wait for what only help or a table needs.
"""
