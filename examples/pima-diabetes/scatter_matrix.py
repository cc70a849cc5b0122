"""Draws a scatter matrix into a PNG file, in the four steps of the old documentation.

Every PNG in the working directory when the function returns is shown; the name is free.
"""

import matplotlib as mpl

mpl.use("agg")  # 1. draw without a screen

import matplotlib.pyplot as plt
from pandas.plotting import scatter_matrix

COLUMNS = ["Glucose", "BMI", "Age", "DiabetesPedigreeFunction"]


def azureml_main(dataframe1=None, dataframe2=None):  # noqa: ARG001
    table = dataframe1[COLUMNS]

    figure, axes = plt.subplots(len(COLUMNS), len(COLUMNS), figsize=(9, 9))  # 2. a new figure
    scatter_matrix(table, alpha=0.2, diagonal="kde", ax=axes)  # 3. draw on its axes
    figure.savefig("scatter_matrix.png")  # 4. save it as PNG

    print(f"Drew {len(COLUMNS)} columns of {len(table)} rows.")
    return (table.describe().reset_index(names="statistic"),)
