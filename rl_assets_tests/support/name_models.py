"""spaCy models that find given names, in a folder, as a user would have one."""

from pathlib import Path


def name_model(folder: Path, *names: str, label: str = "PERSON", version: str = "1.0.0") -> Path:
    """An English pipeline, saved to the folder, that finds these names and no others."""
    import spacy

    model = spacy.blank("en")
    model.meta["name"], model.meta["version"] = "given_names", version
    model.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": name} for name in names])
    model.to_disk(folder)
    return folder
