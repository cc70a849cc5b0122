"""What each module kind does."""
