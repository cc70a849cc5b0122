"""Runs `azureml_main` table scripts: isolated, in milliseconds, with the packages they want."""

__version__ = "0.1.0"
