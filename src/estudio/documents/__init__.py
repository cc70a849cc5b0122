"""The workspace's own files: documents, `estudio.toml`, layouts. Reads them with positions, edits in place."""
