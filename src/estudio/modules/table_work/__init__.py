"""What kinds do with tables. It needs Arrow, so it is imported when a module runs, never where results are reused."""
