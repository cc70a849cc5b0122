"""Where runs, datasets and results are kept: rows in a database, bytes in files named by their digest."""
