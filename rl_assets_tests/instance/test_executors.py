"""The setting `executor`: what it chooses, what it forwards, and what it says where a library is missing."""

import sys

import pytest

from rl_assets.instance.executors import forwarded_settings, make_executor
from rl_assets.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("setting", "name"),
    [("in_process", "in_process"), ("multiprocess", "multiprocess"), ("ray", "ray"), ("k8s", "k8s")],
)
def test_each_value_of_the_setting_names_an_executor(setting, name):
    assert make_executor(Settings(executor=setting)).name == name


@pytest.mark.parametrize(("setting", "library"), [("ray", "dagster_ray"), ("k8s", "dagster_k8s")])
def test_a_library_that_is_missing_is_named_with_how_to_install_it(monkeypatch, setting, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SettingsError, match=rf"pip install 'rl-assets\[{setting}\]'"):
        make_executor(Settings(executor=setting))


def test_a_worker_gets_the_settings_and_no_secret(tmp_path):
    environment = {"RL_ASSETS_RECIPE": "lora_7b", "RL_ASSETS_JUDGE_API_KEY": "sk-1", "rl_assets_gpus": "2", "HOME": "/"}
    forwarded = forwarded_settings(Settings(home=tmp_path), environment)
    assert forwarded == {"RL_ASSETS_RECIPE": "lora_7b", "RL_ASSETS_GPUS": "2", "RL_ASSETS_HOME": str(tmp_path)}
