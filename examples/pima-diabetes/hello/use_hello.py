"""Imports a module from the script bundle: Hello.zip at the third port."""

import Hello
import pandas as pd


def azureml_main(dataframe1=None, dataframe2=None):  # noqa: ARG001
    Hello.print_hello("World")
    return (pd.DataFrame({"module": [Hello.__name__], "function": [Hello.print_hello.__name__]}),)
