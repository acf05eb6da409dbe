"""The job protocol under fire: real processes on a real database, killed at any moment, and a record of promises."""


def people() -> list[str]:
    """Who asks."""
    return ["ada", "bea", "cem", "dia"]
