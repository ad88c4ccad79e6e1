"""The page of administrators: invitations, keys, progress, agreement."""

from pathlib import Path

import pytest

from rl_assets_tests.support.feedback_pages import HOST, Deployment, answers, deploy, rated_home, rivals


@pytest.fixture(scope="module")
def rated(tmp_path_factory) -> Path:
    return rated_home(
        tmp_path_factory.mktemp("rated"), *answers("a1", "a2"), *answers("b1", brand="bolt"), *rivals("Where is it?")
    )


@pytest.fixture
def deployment(home, rated) -> Deployment:
    return deploy(home, rated)


@pytest.fixture
def root(deployment):
    with deployment.person("root", admin=True) as person:
        person.open("/admin")
        yield person


def test_an_invitation_is_made_opened_and_revoked(deployment, root):
    assert root.send("form[action='/admin/invites']", rater="Zoe", brand="acme", days="7").status_code == 201
    link = root.text(".secret")
    assert link.startswith(f"{HOST}/join/") and "It works for 7 days" in root.text("main")
    root.open("/admin")
    assert not root.page.css(".secret") and "Not opened yet" in root.text("main")
    with deployment.person("nobody") as zoe:
        zoe.open(link.removeprefix(HOST))
        assert "Welcome, Zoe" in zoe.text("h1") and "acme" in zoe.text("main")
        zoe.send("main form")
        assert "bolt" not in zoe.text("main") and zoe.open("/admin").status_code == 403
        (row,) = [row for row in root.page.css("tr") if "Zoe" in row.text()]
        name = row.css_first("input[name=invite]").attributes["value"] or ""
        root.post("/admin/invites/revoke", {"invite": name})
        assert "Revoked" in root.text("#status")
        assert zoe.open(link.removeprefix(HOST)).status_code == 404


@pytest.mark.parametrize("fields", [{"rater": " "}, {"rater": "x" * 101}, {"rater": "Zoe", "days": "0"}])
def test_an_invitation_with_a_mistake_is_not_made(deployment, root, fields):
    assert root.send("form[action='/admin/invites']", **fields).status_code == 422
    assert root.page.css("[aria-invalid]") and len(deployment.service.store.invites()) == 1


def test_a_key_is_shown_once_works_and_is_revoked(deployment, root):
    store = deployment.service.store
    root.send("form[action='/admin/keys']", name="router", scope="log", brand="acme")
    text = root.text(".secret")
    key = store.find_key(text)
    assert key is not None and key.may("log") and not key.may("admin") and key.brand == "acme"
    assert text not in root.open("/admin").text
    assert root.send("form[action='/admin/keys']", name="router", scope="log").status_code == 422
    assert "named router" in root.text("main")
    root.post("/admin/keys/revoke", {"name": "router"})
    assert store.find_key(text) is None


def test_progress_and_agreement_count_what_stands(deployment, root):
    with deployment.person("ann") as ann, deployment.person("bob") as bob:
        for person, choice in ((ann, "tie"), (bob, "a")):
            deployment.clock.advance(minutes=11)
            person.open("/rate?brand=acme")
            deployment.clock.advance(seconds=30)
            person.send("#rating", **{"stars-0": "4", "stars-1": "2"})
            if person is ann:
                person.open("/compare")
                person.send("form.main-form", choice=choice)
    root.open("/admin")
    rows = {
        row.css_first("th").text(): [cell.text() for cell in row.css("td")]
        for row in root.page.css("[aria-label^=Progress] tbody tr")
    }
    assert rows["acme"] == ["4", "2", "1", "1"] and rows["bolt"] == ["1", "0", "0", "0"]
    assert rows["ann"][:4] == ["1", "1", "0", "15"] and rows["bob"][:4] == ["1", "0", "0", "30"]
    assert "Comparisons without a winner 100% (1 of 1)" in root.text("dl")


def test_who_administers_one_brand_sees_and_gives_nothing_of_another(deployment):
    with deployment.person("chief", "acme", admin=True) as chief:
        deployment.service.store.add_invite("bo", "bolt")
        chief.open("/admin")
        assert "bolt" not in chief.text("main") and "bo " not in chief.text("main")
        assert chief.post("/admin/invites", {"rater": "x", "days": "3", "brand": "bolt"}).status_code == 404
        assert chief.post("/admin/keys", {"name": "x", "scope": "log", "brand": "bolt"}).status_code == 404
        (foreign,) = [each for each in deployment.service.store.invites() if each.brand == "bolt"]
        assert chief.post("/admin/invites/revoke", {"invite": foreign.invite_id}).status_code == 404


def test_a_key_of_administrators_signs_in_and_no_other_does(deployment):
    store = deployment.service.store
    with deployment.person("ann") as person:
        person.client.cookies.clear()
        person.open("/admin/sign-in")
        for wrong in ("rla_wrong", store.add_key("logger", ["log"])):
            assert person.send("main form", key=wrong).status_code == 401
        person.send("main form", key=store.add_key("chief", ["admin"]))
        assert person.text("h1") == "Administration"
        person.client.cookies.clear()
        bearer = {"Authorization": f"Bearer {store.add_key('script', ['admin'])}"}
        assert person.client.get("/admin", headers=bearer).status_code == 200
        assert person.client.get("/admin").status_code == 401


def test_who_administers_one_brand_cannot_become_somebody_else(deployment):
    store = deployment.service.store
    store.add_invite("root", admin=True)
    with deployment.person("chief", "acme", admin=True) as chief:
        for name in ("root", "key main", "null"):
            form = {"rater": name, "days": "3", "brand": "acme", "role": "admin"}
            assert chief.post("/admin/invites", form).status_code == 422
        assert chief.post("/admin/invites", {"rater": "x", "days": "9" * 5000, "brand": "acme"}).status_code == 422
    assert {(each.rater, each.brand, each.admin) for each in store.raters} == {
        ("root", None, True),
        ("chief", "acme", True),
    }


def test_a_session_that_a_key_began_ends_with_the_key(deployment):
    store = deployment.service.store
    with deployment.person("ann") as person:
        person.client.cookies.clear()
        person.open("/admin/sign-in")
        person.send("main form", key=store.add_key("chief", ["admin"]))
        assert person.open("/admin").status_code == 200
        store.revoke_key("chief")
        assert person.open("/admin").status_code == 401
