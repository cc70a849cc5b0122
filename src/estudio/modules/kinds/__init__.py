"""One file per module kind, found by listing this folder: each has `KIND` and `behaviour(parts)`."""
