"""Numbers of things in English: `1 row`, `2 rows`, `1,000 rows`. Only for nouns that take an s."""


def counted(count: int, noun: str) -> str:
    """The number with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
