"""Table files in and out, the canonical Arrow form, and the check of what a guest wrote."""
