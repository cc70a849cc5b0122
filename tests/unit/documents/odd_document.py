"""A document with every oddity of formatting that an editor must leave alone, and the ports of its modules."""

from __future__ import annotations

INPUTS = dict.fromkeys(("diabetes", "helpers", "rank", "again"), ("dataset1", "dataset2", "bundle"))
ODD = """\
# yaml-language-server: $schema=experiment.schema.json

# The whole.
estudio: 1   # version
name:   'Odd  one'
description: >-
   Folded text
   over two lines.

parameters: {trees: {type: integer,   default: 250}, # many
             depth: {type: integer}}   # last
modules:

    # First the data.
    diabetes: { kind : dataset, "dataset":  a.csv }   # flow

    helpers:
        kind:   script-bundle
        path: "b/helpers" # quoted

        # inside helpers


    # Then the work.
    rank:
        kind: execute-python-script
        comment: |
            Several
              lines. # no comment

        parameters:
          # first
          trees: ${trees}
          columns:
          - age      # one
          -   'blood pressure'
        dataset1: diabetes.dataset   # the data
        bundle:   'helpers'
    again: {kind: execute-python-script, dataset1: diabetes, dataset2: diabetes,
            bundle: helpers,    # a comment
            script: s.py}
# the end
"""
