"""The pages in Chromium: with and without JavaScript, narrow and wide, by keyboard, and checked by axe."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pyarrow.parquet as pq
import pytest

from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.service.landing import land
from rl_assets_tests.support.feedback_pages import Deployment, answers, deploy, rated_home, rivals
from rl_assets_tests.support.feedback_server import listening

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOSTILE = "Is <script>document.title='taken'</script> <img src=http://evil.example/x> bold?"
# With and without JavaScript, wide and narrow: one person each, of a brand of their own.
VISITS = {"ann": (True, 1400), "bob": (False, 1400), "cy": (True, 360), "dan": (False, 360)}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BETTER = "It costs four euros since May, shipping included."


def logged() -> list[dict[str, Any]]:
    lines = []
    for name in VISITS:
        for number in (1, 2):
            lines += answers(f"{name}-{number}", brand=name, query=f"{HOSTILE} {name} asks for the price of {number}.")
        lines += rivals(f"How long does the parcel of {name} take?", brand=name)
    return lines


@pytest.fixture
def deployment(home: Path) -> Deployment:
    return deploy(home, rated_home(home, *logged()))


@pytest.fixture
def address(deployment: Deployment) -> Iterator[str]:
    with listening(deployment.service) as url:
        yield url


def visit(browser: Any, address: str, deployment: Deployment, name: str) -> list[str]:
    """What one person does: rate, correct, compare and undo; the hosts that their browser asked."""
    has_script, width = VISITS[name]
    context = browser.new_context(java_script_enabled=has_script, viewport={"width": width, "height": 800})
    page, hosts = context.new_page(), []
    page.on("request", lambda request: hosts.append(urlsplit(request.url).netloc))
    page.goto(f"{address}/join/{deployment.service.store.add_invite(name)}")
    page.get_by_role("button", name="Start").click()
    correct(page, name)
    compare(page, name)
    rate_and_undo(page, name)
    assert page.evaluate(OVERFLOW) <= 0 if has_script else True
    context.close()
    return hosts


def choose(page: Any, mode: str, brand: str) -> None:
    page.get_by_role("link", name="Start", exact=True).click()
    page.locator(f"a[href='/{mode}?brand={brand}&task=support'], a[href='/{mode}?brand={brand}']").first.click()


def correct(page: Any, name: str) -> None:
    """Give a better text, a verdict and a comment on one of the two answers with a hostile question."""
    choose(page, "rate", name)
    while "costs 3 euros" not in page.locator(".answer").inner_text():
        page.get_by_role("button", name="Skip").click()
    assert "<script>" in page.locator(".turn").first.inner_text() and page.title() != "taken"
    page.get_by_text("Write it better").click()
    page.get_by_label("The answer as it should be").fill(BETTER)
    page.locator("label", has=page.locator("input[name=thumbs][value=down]")).click()
    page.locator("label", has=page.locator("input[name=stars-1][value='2']")).click()
    page.get_by_label("Comment").fill("An old price.")
    page.get_by_role("button", name="Send").click()
    page.locator("#status", has_text="Saved.").wait_for()


def compare(page: Any, name: str) -> None:
    """Prefer the answer that says how long it takes."""
    choose(page, "compare", name)
    is_first = "two days" in page.locator(".sides section").first.inner_text()
    # Nothing lies over it.
    page.locator("#skip").click(trial=True)
    page.get_by_role("button", name="A is better" if is_first else "B is better").click()
    page.locator("#status", has_text="Saved.").wait_for()


def rate_and_undo(page: Any, name: str) -> None:
    choose(page, "rate", name)
    page.locator("label", has=page.locator("input[name=stars-0][value='5']")).click()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Undo").click()
    page.locator("#status", has_text="Taken back").wait_for()


def test_what_people_say_becomes_rows_of_datasets_and_what_they_take_back_does_not(
    chromium, deployment, address, instance
):
    hosts = [host for name in VISITS for host in visit(chromium, address, deployment, name)]
    assert set(hosts) == {urlsplit(address).netloc}
    land(deployment.service.store, deployment.service.home)
    assert deployment.service.store.counts()["acts_waiting"] == 0
    day = deployment.clock().date()
    materialize(deployment, instance, day)
    corrected = [row["messages"][-1]["content"] for row in rows(deployment, "sft_dataset", day)]
    assert corrected == [BETTER] * len(VISITS)
    pairs = rows(deployment, "dpo_dataset", day)
    explicit = [pair for pair in pairs if pair["metadata"]["strategy"] == "explicit"]
    chosen = [(pair["chosen"][-1]["content"], pair["rejected"][-1]["content"]) for pair in explicit]
    assert chosen.count(("It takes two days.", "No idea, call us.")) == len(VISITS)


def materialize(deployment: Deployment, instance: dg.DagsterInstance, day: date) -> None:
    """One materialization, from landed files to datasets."""
    from rl_assets.definitions import build_defs

    resources = {
        "home": HomeResource.from_settings(deployment.service.settings),
        "judge": JudgeResource(base_url=None, model=None),
    }
    job = build_defs(resources=resources, executor=dg.in_process_executor).resolve_job_def("datasets_job")
    raw = ["interactions", "feedback", "rejected_records", "ingested_files", "interaction_features"]
    keys = [dg.AssetKey(name) for name in (*raw, "rated_interactions", "sft_dataset", "dpo_dataset")]
    result = job.execute_in_process(instance=instance, partition_key=str(day), asset_selection=keys)
    assert result.success


def rows(deployment: Deployment, name: str, day: date) -> list[dict[str, Any]]:
    """All rows of a dataset."""
    folder = deployment.service.home.datasets(name, str(day))
    splits = [pq.read_table(folder / f"{split}.parquet").to_pylist() for split in ("train", "validation", "test")]
    return [row for split in splits for row in split]


def test_an_answer_is_rated_by_keyboard_alone(chromium, deployment, address):
    page = chromium.new_page(viewport={"width": 1400, "height": 800})
    page.goto(f"{address}/join/{deployment.service.store.add_invite('eve')}")
    reach(page, "Start")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    reach(page, "Rate (4 left) of ann")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate?**")
    for key in ("u", "4"):
        page.keyboard.press(key)
    page.locator("#comment").focus()
    page.keyboard.type("u1dk: letters, not keys")
    page.keyboard.press("Control+Enter")
    page.locator("#status", has_text="Saved.").wait_for()
    said = {act["kind"]: act.get("value", act.get("comment")) for act in deployment.kept("eve")}
    assert said == {"rating": 4.0, "comment": "u1dk: letters, not keys"}
    page.keyboard.press("z")
    page.locator("#status", has_text="Taken back").wait_for()
    assert deployment.kept("eve") == []
    page.keyboard.press("k")
    page.locator("#status", has_text="Skipped.").wait_for()
    page.goto(f"{address}/compare")
    page.keyboard.press("s")
    page.locator("#status", has_text="Saved.").wait_for()
    assert [act["kind"] for act in deployment.kept("eve")] == ["tie", "skip"]
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.close()


def reach(page: Any, start: str) -> None:
    """Press Tab until what has the focus begins with that text."""
    for _ in range(40):
        page.keyboard.press("Tab")
        text = " ".join(str(page.evaluate("document.activeElement.textContent")).split())
        if text.startswith(start):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "focus is not seen"
            return
    raise AssertionError(f"no Tab reaches {start}")


@pytest.fixture(scope="module")
def axe(tmp_path_factory) -> str:
    """The script of axe-core."""
    folder = tmp_path_factory.mktemp("axe")
    if shutil.which("npm") is None:
        pytest.skip("no npm on this machine, which fetches axe-core")
    command = ["npm", "pack", "axe-core@4", "--silent"]
    try:
        fetched = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not fetch axe-core within two minutes")
    if fetched.returncode:
        pytest.skip(f"npm cannot fetch axe-core: {fetched.stderr.strip()[:200]}")
    with tarfile.open(next(folder.glob("axe-core*.tgz"))) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode("utf-8")


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (360, "dark")])
def test_axe_finds_nothing_serious_on_any_page(chromium, deployment, address, axe, width, scheme):
    store = deployment.service.store
    store.add_key("router", ["log"])
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    join = f"/join/{store.add_invite('ann', admin=True)}"
    found = {path: violations(page, axe, address + path) for path in (join, "/admin/sign-in", "/rate")}
    page.goto(address + join)
    page.get_by_role("button", name="Start").click()
    found |= {path: violations(page, axe, address + path) for path in ("/", "/rate", "/compare", "/mine", "/admin")}
    page.goto(f"{address}/rate")
    page.get_by_role("button", name="Send").click()
    found["a form with a mistake"] = violations(page, axe)
    page.locator("label", has=page.locator("input[name=thumbs][value=up]")).click()
    page.get_by_role("button", name="Send").click()
    found["after an act"] = violations(page, axe)
    found["what one said"] = violations(page, axe, f"{address}/mine")
    context.close()
    assert found == {path: [] for path in found}


def violations(page: Any, axe: str, url: str | None = None) -> list[str]:
    """Serious and critical violations of a page, and whether it is wider than the screen."""
    if url is not None:
        page.goto(url)
    page.evaluate(axe)
    result = page.evaluate("axe.run({resultTypes: ['violations']})")
    wide = ["wider than the screen"] if page.evaluate(OVERFLOW) > 0 else []
    return wide + [each["id"] for each in result["violations"] if each["impact"] in ("serious", "critical")]
