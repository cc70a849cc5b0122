"""The contract with scripts, run without a sandbox."""
