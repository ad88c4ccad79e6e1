"""What is wrong with a file that people write or may have touched, said in a sentence."""

from pydantic import ValidationError


def problems(error: ValidationError, whole: str = "the file") -> str:
    """Each problem with where it stands, as `models.gpt-4o.input: Field required; version: ...`.

    `whole` names what was validated, for what is wrong with all of it.
    """
    found = [(".".join(str(part) for part in item["loc"]) or whole, item["msg"]) for item in error.errors()]
    return "; ".join(f"{where}: {message}" for where, message in found)
