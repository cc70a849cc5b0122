"""What the columns of the Pima table mean. The scripts import it from the bundle."""

ZERO_IS_MISSING = ["Glucose", "BloodPressure", "SkinThickness", "Insulin", "BMI"]
"""Nobody's blood pressure is zero: there, nothing was measured."""


def fill_missing(table):
    """The same table with the column's median where nothing was measured, and how many those were."""
    filled = table.copy()
    measured = filled[ZERO_IS_MISSING].where(filled[ZERO_IS_MISSING] != 0)
    filled[ZERO_IS_MISSING] = measured.fillna(measured.median())
    return filled, int(measured.isna().sum().sum())
