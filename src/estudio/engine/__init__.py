"""Plans, caches and executes runs."""
