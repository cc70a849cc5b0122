"""The field's nouns and rules: pure values, no I/O, no pandas, no clock."""
