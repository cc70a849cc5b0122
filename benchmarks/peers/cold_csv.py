"""Peer: what a script costs without estudio: a cold interpreter, pandas, CSV in and out."""

import sys

import pandas as pd


def azureml_main(dataframe1=None):
    return dataframe1


azureml_main(pd.read_csv(sys.argv[1])).to_csv(sys.argv[2], index=False)
