"""Puts medians in the place of zeros that mean "not measured"."""

import measurements


def azureml_main(people):
    filled, count = measurements.fill_missing(people)
    print(f"Filled {count} values of {len(people)} people.")
    return filled
