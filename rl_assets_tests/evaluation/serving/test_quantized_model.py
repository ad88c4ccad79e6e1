"""Base and adapter in 16, 8 and 4 bits, measured for real in processes of their own, on a tiny model."""

import json
from dataclasses import replace

import dagster as dg
import pytest

from rl_assets.defs.evaluation.quantized import quantized_model
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.serving.quantized import compare_loads, load, weight_bytes
from rl_assets.models.adapters import Adapter, point_day
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.loading import WrongBaseModelError
from rl_assets.settings import Settings
from rl_assets_tests.support.evaluation_samples import random_adapter
from rl_assets_tests.support.training_samples import DAY, SMALL, parts_rows, publish, split_by_prompt


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> BaseModel:
    """Two layers: of a smaller model the scales weigh more than packing saves."""
    return ensure_base_model("tiny", tmp_path_factory.mktemp("models"), print, SMALL)


@pytest.fixture(scope="module")
def sft_adapter(base: BaseModel, tmp_path_factory) -> Adapter:
    return random_adapter(base, tmp_path_factory.mktemp("adapters") / "aaaa", "sft", seed=1)


def test_fewer_bits_take_less_memory_and_their_price_in_quality_has_an_interval(
    sft_adapter: Adapter, base: BaseModel, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    rows = split_by_prompt(parts_rows()["sft"])[1][:12]
    for number, row in enumerate(rows):
        row["metadata"] |= {"prompt_key": f"p{number}", "cluster_key": f"p{number}", "category": None, "agent": "desk"}
    publish(tmp_path / "datasets" / "sft_dataset" / DAY, "sft_dataset", rows, rows)
    (tmp_path / "adapters" / "sft").mkdir(parents=True)
    (tmp_path / "adapters" / "sft" / sft_adapter.inputs_hash).symlink_to(sft_adapter.folder)
    point_day(tmp_path / "adapters", "sft", DAY, sft_adapter.inputs_hash)
    home = HomeResource.from_settings(Settings(home=tmp_path, base_model=base.path))
    config = {"ops": {"quantized_model": {"config": {"kind": "sft"}}}}

    result = dg.materialize([quantized_model], partition_key=DAY, resources={"home": home}, run_config=config)

    assert result.success
    report = json.loads((tmp_path / "reports" / DAY / "quantized.json").read_text(encoding="utf-8"))
    sixteen, eight, four = report["loads"]
    assert [found["bits"] for found in report["loads"]] == [16, 8, 4]
    assert sixteen["weight_bytes"] > eight["weight_bytes"] > four["weight_bytes"] > 0
    assert 1 < eight["memory_ratio"] < 2 < 4 * four["memory_ratio"]
    for found in report["loads"]:
        assert found["requests"] >= 20 and found["peak_bytes"] >= 0
        assert found["ms_per_request"] == pytest.approx(24 * found["ms_per_token"])
    for found in (eight, four):
        lost, log_perplexity = found["changes"]["log_perplexity"], found["metrics"]["log_perplexity"]
        assert lost["low"] <= lost["mean"] <= lost["high"]
        assert lost["mean"] == pytest.approx(
            log_perplexity["mean"] - sixteen["metrics"]["log_perplexity"]["mean"], abs=1e-9
        )


def test_the_bytes_of_16_bits_are_two_a_weight_and_packed_ones_bring_their_scales(
    sft_adapter: Adapter, base: BaseModel
):
    whole = load(base, sft_adapter.folder, 16)
    held = {parameter.data_ptr(): parameter.nbytes for parameter in whole.parameters()}
    assert weight_bytes(whole) == pytest.approx(sum(held.values()), rel=0.01)
    four = load(base, sft_adapter.folder, 4)
    packed = [module.weight for module in four.modules() if type(module).__name__ == "Linear4bit"]
    assert packed and weight_bytes(four) > sum(p.nbytes for p in four.parameters() if p.data_ptr() not in held)
    codes = sum(weight.nbytes + weight.quant_state.absmax.nbytes for weight in packed)
    assert codes < weight_bytes(four) < weight_bytes(whole)


def test_another_bases_adapter_and_an_empty_test_split_are_refused(sft_adapter: Adapter, base: BaseModel):
    with pytest.raises(WrongBaseModelError):
        compare_loads(replace(base, sha256="0" * 64), sft_adapter, [Item((), ("",), "c", None, None)], print)
    with pytest.raises(ValueError, match="no held-out item"):
        compare_loads(base, sft_adapter, [], print)
