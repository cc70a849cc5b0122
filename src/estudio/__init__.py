"""Runs `azureml_main` table scripts: isolated, in milliseconds, with the packages they want."""
