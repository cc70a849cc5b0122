"""Walls around script calls: zygotes, guests, limits, and what came of a call."""
