"""Measures estudio beside what people would use instead: ratios of one run, never bare seconds.

The machine drifts while a program runs, so both sides take turns; a figure without its neighbour in the same table says
little.
"""
