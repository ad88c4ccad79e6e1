"""`python -m rl_assets.serving.server`: a base model and its adapters behind an OpenAI-compatible endpoint."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rl_assets.models.base_models import TINY, ensure_base_model
from rl_assets.models.runtime import cpu_threads, prepare_environment
from rl_assets.models.smollm2 import SMOLLM2
from rl_assets.serving.server.http import is_loopback
from rl_assets.serving.server.options import Options
from rl_assets.settings import Settings, load_settings

PORT = 8801


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is told to end; SystemExit says why it does not begin."""
    settings = load_settings()
    asked = _parser(settings).parse_args(arguments)
    options = _options(asked, settings)
    if not is_loopback(asked.host) and options.admin_token is None:
        raise SystemExit(
            f"Whoever reaches {asked.host} could load and unload adapters: set RL_ASSETS_SERVING_ADMIN_TOKEN, or "
            "listen on 127.0.0.1."
        )
    prepare_environment(offline=asked.base in (TINY, SMOLLM2) or Path(asked.base).is_dir())
    base = ensure_base_model(asked.base, settings.paths.models, print)

    import torch
    import transformers
    import uvicorn

    from rl_assets.serving.server.app import make_app
    from rl_assets.serving.server.served_model import ServedModel

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(cpu_threads())
    model = ServedModel(base, options.dtype, print)
    print(f"{base.name} ({base.sha256[:12]}, {model.dtype}) on http://{asked.host}:{asked.port}", flush=True)
    uvicorn.run(
        make_app(model, options),
        host=asked.host,
        port=asked.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )


def _options(asked: argparse.Namespace, settings: Settings) -> Options:
    return Options(
        adapters_root=asked.adapters_root,
        dtype=asked.dtype,
        max_lora_rank=asked.max_lora_rank,
        max_loras=asked.max_loras,
        max_batch=asked.max_batch,
        max_batch_tokens=asked.max_batch_tokens,
        admin_token=settings.serving_admin_token,
    )


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m rl_assets.serving.server", description=__doc__)
    parser.add_argument("--base", default=settings.base_model, help="name or folder of the base (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_positive, default=PORT, help="(default: %(default)s)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="of the base (default: as evaluation uses it)")
    root = settings.paths.adapters()
    parser.add_argument("--adapters-root", type=Path, default=root, help="only adapters below are loaded")
    for name, what in (
        ("max_lora_rank", "largest rank of an adapter"),
        ("max_loras", "adapters in memory"),
        ("max_batch", "answers that are generated at a time"),
        ("max_batch_tokens", "prompt and new tokens of them, padded"),
    ):
        option = f"--{name.replace('_', '-')}"
        default = getattr(Options, name)
        parser.add_argument(option, type=_positive, default=default, help=f"{what} (default: %(default)s)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


if __name__ == "__main__":
    main()
