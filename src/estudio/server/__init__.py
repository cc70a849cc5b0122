"""The HTTP door: parses, asks the workspace, renders. The only asynchronous code."""
