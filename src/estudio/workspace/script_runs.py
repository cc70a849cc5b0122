"""Running one script: from the names a person gives to the outcome, its files written."""
