"""The command line, run against a door whose answers are written in the test."""
