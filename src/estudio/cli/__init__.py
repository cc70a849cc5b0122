"""The command line: a thin door that parses, asks the workspace, and renders."""
