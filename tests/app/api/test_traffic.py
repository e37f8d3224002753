"""Canary and shadow: which network answers a request, and that no request is lost or delayed by the other one."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from httpx import Response

from src.app.api import shadow, traffic
from src.model.inference.runtime import OnnxRuntime
from src.model.inference.traffic_plan import PLAN_NAME, TrafficPlan, is_for_canary, remove_plan, write_plan
from src.settings import ROOT, Canary
from tests.app.api.api_client import (
    BATCH,
    PREDICT,
    READ,
    LocalService,
    another_server,
    connect,
    read_metrics,
    until,
    worker_processes,
)
from tests.bad_networks import write_confused, write_constant, write_crashing
from tests.pictures import drawn, encoded, mnist
from tests.released import copy_release

OLD, NEW = "0.9.0", "0.10.0"
HALF = Canary(version=NEW, percent=50)
ALL = Canary(version=NEW, percent=100)
FOUR = encoded(mnist(4))
IDS = [f"request-{number}" for number in range(40)]
SINGLE = [(PREDICT, "details"), (PREDICT, "steps"), (PREDICT, "heat"), (READ, None)]  # the first takes the short path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with `OLD` in production, and `NEW` to be tried."""
    copy_release(tmp_path, OLD)
    write_confused(tmp_path / "canary", NEW)
    return tmp_path


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[LocalService]:
    """Serve the networks in `folder` from this process."""
    client = LocalService(model_dir=folder, **settings)
    try:
        yield client
    finally:
        client.state.traffic.close()


def follow(client: LocalService, folder: Path, **plan: object) -> None:
    """Let the service follow a plan."""
    write_plan(folder, TrafficPlan.model_validate(plan))
    client.state.refresh()


def ask(
    client: LocalService, request_id: str, path: str = PREDICT, part: str | None = "details", **query: str
) -> Response:
    """Send a four under a request id."""
    query |= {part: "true"} if part else {}
    headers = {"X-Request-ID": request_id}
    return client.post(path, files={"file": ("four.png", FOUR, "image/png")}, headers=headers, params=query)


def ask_batch(client: LocalService, request_id: str, details: bool = True) -> Response:
    """Send a batch of two pictures under a request id."""
    files = [("files", ("four.png", data, "image/png")) for data in (FOUR, encoded(drawn(7)))]
    query = {"details": str(details).lower()}
    return client.post(BATCH, files=files, headers={"X-Request-ID": request_id}, params=query)


def ask_everywhere(client: LocalService, request_id: str = "four") -> list[Response]:
    """Send a four to every address that the canary may answer."""
    answers = [ask(client, request_id, path, part) for path, part in [*SINGLE, (PREDICT, None)]]
    return [*answers, ask_batch(client, request_id), ask_batch(client, request_id, details=False)]


def expected_version(request_id: str) -> str:
    return NEW if is_for_canary(HALF, request_id) else OLD


@pytest.mark.parametrize(("path", "part"), SINGLE)
def test_request_id_decides_which_network_answers(folder: Path, path: str, part: str | None) -> None:
    with serving(folder, canary=HALF) as client:
        versions = [ask(client, each, path, part).json()["model"] for each in IDS]
        assert versions == [expected_version(each) for each in IDS]
        assert set(versions) == {OLD, NEW}
        assert [ask(client, each, path, part).json()["model"] for each in IDS[:5]] == versions[:5]


def test_batch_is_answered_by_one_network(folder: Path) -> None:
    with serving(folder, canary=HALF) as client:
        for each in IDS[:10]:
            answers = ask_batch(client, each).json()["answers"]
            assert {answer["model"] for answer in answers} == {expected_version(each)}
            plain = [answer["prediction"] for answer in ask_batch(client, each, details=False).json()["answers"]]
            assert plain == [answer["prediction"] for answer in answers]


def test_default_answer_comes_from_the_canary_for_its_share(folder: Path) -> None:
    with serving(folder, canary=HALF) as client:
        digits = [ask(client, each, part=None).json()["prediction"] for each in IDS]
    assert digits == [5 if is_for_canary(HALF, each) else 4 for each in IDS]


def test_requested_version_is_never_replaced(folder: Path) -> None:
    with serving(folder, canary=ALL) as client:
        for version in (OLD, NEW):
            assert ask(client, "four", model=version).json()["model"] == version


def test_network_to_be_tried_serves_nobody_else(folder: Path) -> None:
    with serving(folder) as client:
        assert ask(client, "four").json()["model"] == OLD
        listed = {model["version"]: model["serving"] for model in client.get("/api/v1/models").json()["models"]}
    assert listed == {OLD: True, NEW: False}


def test_production_answers_where_the_canary_fails(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_crashing(folder / "canary", NEW)
    with serving(folder, canary=ALL) as client:
        answers = ask_everywhere(client)
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        assert {answer.json()["model"] for answer in answers[:4]} == {OLD}
        assert [answer["prediction"] for answer in answers[-1].json()["answers"]] == [4, 7]
        counts = read_metrics(client)
    assert counts["digits_network_failures_total", NEW, "error", "canary"] == len(answers)
    assert not any(key[0] == "digits_answers_total" and NEW in key and value for key, value in counts.items())
    assert caplog.text.count(f"The canary {NEW} fails") == 1


def test_canary_without_finite_logits_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = OnnxRuntime.logits
    with serving(folder, canary=ALL) as client:
        assert client.state.traffic._canary
        runtime = client.state.traffic._canary[1].predictor.runtime._runtime  # type: ignore[attr-defined]
        monkeypatch.setattr(runtime, "logits", lambda images: logits(runtime, images) * float("nan"))
        assert ask(client, "four").json()["model"] == OLD


def test_unreadable_pictures_are_no_failures_of_the_canary(folder: Path) -> None:
    with serving(folder, canary=ALL) as client:
        answer = client.post(PREDICT, content=b"a four", headers={"Content-Type": "image/png"})
        assert answer.status_code == 415
        assert read_metrics(client)["digits_network_failures_total", NEW, "error", "canary"] == 0


def test_failing_production_is_still_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(folder) as client:
        client.state.traffic.find_production()
        monkeypatch.setattr(OnnxRuntime, "logits", lambda *_: 1 / 0)
        assert ask(client, "four").status_code == 500


def test_canary_that_is_far_too_slow_is_asked_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(traffic, "SLOW_S", 0.0)
    with serving(folder, canary=ALL) as client:
        assert [ask(client, each).json()["model"] for each in IDS[:3]] == [NEW, OLD, OLD]
        client.state.refresh()
        assert ask(client, "four").json()["model"] == OLD
        counts = read_metrics(client)
        assert counts["digits_network_failures_total", NEW, "slow", "canary"] == 1
        assert counts["digits_networks", NEW, "canary"] == 0
        follow(client, folder, canary=HALF)  # another plan is another trial
        assert NEW in {ask(client, each).json()["model"] for each in IDS}
    assert "answers no longer" in caplog.text


def test_file_wins_over_the_settings_while_it_exists(folder: Path) -> None:
    with serving(folder, canary=ALL) as client:
        assert ask(client, "four").json()["model"] == NEW
        follow(client, folder)
        assert ask(client, "four").json()["model"] == OLD
        follow(client, folder, canary=ALL)
        assert ask(client, "four").json()["model"] == NEW
        follow(client, folder)
        remove_plan(folder)
        client.state.refresh()
        assert ask(client, "four").json()["model"] == NEW


def test_changes_of_the_canary_are_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "src.app.api.traffic")
    with serving(folder) as client:
        for _ in range(2):
            follow(client, folder, canary=HALF)
        for _ in range(2):
            follow(client, folder)
    assert [record.getMessage() for record in caplog.records if record.name == "src.app.api.traffic"] == [
        f"Network {NEW} answers 50 % of the requests from now on.",
        f"The canary {NEW} answers no requests from now on.",
    ]


def test_share_is_changed_by_the_file(folder: Path) -> None:
    with serving(folder) as client:
        follow(client, folder, canary=HALF)
        few = [each for each in IDS if ask(client, each).json()["model"] == NEW]
        follow(client, folder, canary=ALL)
        assert len(few) < len(IDS)
        assert all(ask(client, each).json()["model"] == NEW for each in IDS)


def test_plan_ends_by_itself(folder: Path) -> None:
    with serving(folder) as client:
        follow(client, folder, canary=ALL, until=datetime.now(UTC) + timedelta(hours=1))
        assert ask(client, "four").json()["model"] == NEW
        follow(client, folder, canary=ALL, until=datetime.now(UTC))
        assert ask(client, "four").json()["model"] == OLD


@pytest.mark.parametrize("text", ["{", '{"canary": "0.10.0:50"}', '{"shadow": 1}'])
def test_invalid_file_is_ignored_and_logged_once(folder: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    with serving(folder, canary=ALL) as client:
        (folder / PLAN_NAME).write_text(text)
        for _ in range(2):
            client.state.refresh()
        assert ask(client, "four").json()["model"] == OLD
    assert caplog.text.count(PLAN_NAME) == 1


@pytest.mark.parametrize(("version", "reason"), [("9.9.9", "no network 9.9.9"), (NEW, "missing or damaged")])
@pytest.mark.parametrize("role", ["canary", "shadow"])
def test_network_that_can_not_be_opened_is_ignored_until_it_can(
    folder: Path, role: str, version: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    copy_release(folder / "canary", NEW, broken=True)
    plan = {"canary": {"version": version, "percent": 100}} if role == "canary" else {"shadow": version}
    with serving(folder) as client:
        for _ in range(2):
            follow(client, folder, **plan)
        assert ask(client, "four").json()["model"] == OLD
        assert caplog.text.count(f"The {role} {version} is ignored") == 1
        assert reason in caplog.text
        copy_release(folder / "canary", version)
        client.state.refresh()
        assert read_metrics(client)["digits_networks", version, role] == 1


def test_network_in_production_is_no_canary(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving(folder, canary=Canary(version=OLD, percent=50), shadow=OLD) as client:
        assert ask(client, "four").json()["model"] == OLD
        assert ("digits_networks", OLD, "canary") not in read_metrics(client)
    assert "It is in production" in caplog.text


def test_promoted_canary_becomes_production(folder: Path) -> None:
    copy_release(folder / "canary", NEW)
    with serving(folder, canary=HALF, shadow=NEW) as client:
        copy_release(folder, NEW)
        client.state.refresh()
        assert {ask(client, each).json()["model"] for each in IDS} == {NEW}
        counts = read_metrics(client)
    assert [counts["digits_networks", NEW, role] for role in ("production", "canary", "shadow")] == [1, 0, 0]
    assert counts["digits_networks", OLD, "production"] == 0


def test_metrics_tell_the_roles_apart(folder: Path) -> None:
    with serving(folder, canary=HALF) as client:
        for each in IDS:
            ask(client, each)
        ask(client, "four", model=NEW)
        counts = read_metrics(client)
    for_canary = sum(is_for_canary(HALF, each) for each in IDS)
    assert counts["digits_answers_total", "4", OLD, "production"] == len(IDS) - for_canary
    assert counts["digits_answers_total", "5", NEW, "canary"] == for_canary
    assert counts["digits_answers_total", "5", NEW, "requested"] == 1
    assert counts["digits_confidence_count", NEW, "canary"] == for_canary
    assert counts["digits_network_seconds_count", NEW, "canary"] >= for_canary
    assert counts["digits_network_seconds_count", OLD, "production"] >= len(IDS) - for_canary


def readings(client: LocalService, outcome: str) -> float:
    return read_metrics(client).get(("digits_shadow_readings_total", NEW, outcome), 0)


@pytest.mark.parametrize(("is_good", "outcome"), [(True, "agrees"), (False, "differs")])
def test_shadow_reads_what_production_answers_and_never_answers(folder: Path, is_good: bool, outcome: str) -> None:
    if is_good:
        copy_release(folder / "canary", NEW)
    with serving(folder, shadow=NEW) as client:
        for each in IDS:
            assert ask(client, each).json()["model"] == OLD
        ask_batch(client, "batch", details=False)
        ask(client, "other", model=NEW)  # not of production
        until(lambda: readings(client, outcome) == len(IDS) + 2)
        counts = read_metrics(client)
    assert counts["digits_answers_total", "4" if is_good else "5", NEW, "shadow"] == len(IDS) + 1
    assert counts["digits_confidence_count", NEW, "shadow"] == len(IDS) + 2
    assert counts["digits_network_seconds_count", NEW, "shadow"] >= 1
    assert ("digits_ink_count", NEW, "shadow") not in counts


def test_busy_shadow_drops_pictures_and_delays_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow, "QUEUE", 4)
    go_on = Event()
    with serving(folder, shadow=NEW) as client:
        network = client.state.traffic._shadow.network
        assert network
        monkeypatch.setattr(network.predictor.runtime._runtime, "logits", lambda _: go_on.wait())  # type: ignore[attr-defined]
        for each in IDS:  # all are answered while the shadow is stuck
            assert ask(client, each).json()["model"] == OLD
        assert readings(client, "dropped") >= len(IDS) - 4 - shadow.BATCH
        go_on.set()


def test_failing_shadow_is_counted_and_goes_on(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_crashing(folder / "canary", NEW)
    with serving(folder, shadow=NEW) as client:
        key = ("digits_network_failures_total", NEW, "error", "shadow")
        for expected in (1, 2):
            assert ask(client, "four").json()["model"] == OLD
            until(lambda: read_metrics(client).get(key, 0) == expected)  # noqa: B023 - waits within the loop
    assert caplog.text.count(f"The shadow {NEW} fails") == 1


def test_shadow_of_a_permuted_network_sees_the_picture_itself() -> None:
    folder = ROOT / "model"
    with serving(folder, model_file=folder / "mnist-cnn-permuted-0.0.1.json", shadow="1.4.0") as client:
        ask(client, "four")
        until(lambda: read_metrics(client).get(("digits_answers_total", "4", "1.4.0", "shadow"), 0) == 1)


@pytest.mark.parametrize("setting", ["DIGITS_CANARY", "DIGITS_SHADOW"])
def test_start_with_an_unknown_network_is_refused(folder: Path, setting: str) -> None:
    value = "9.9.9:5" if setting == "DIGITS_CANARY" else "9.9.9"
    with (
        pytest.raises(RuntimeError, match=f"{setting}: There is no network 9.9.9. There are: {OLD}, {NEW}"),
        another_server(DIGITS_MODEL_DIR=folder, **{setting: value}),
    ):
        pass


def test_start_with_a_damaged_network_is_refused(folder: Path) -> None:
    copy_release(folder / "canary", NEW, broken=True)
    with (
        pytest.raises(RuntimeError, match=f"mnist-{NEW}.onnx is not the file"),
        another_server(DIGITS_MODEL_DIR=folder, DIGITS_CANARY=f"{NEW}:5", DIGITS_WORKERS=2),
    ):
        pass


def test_every_worker_follows_the_file(folder: Path) -> None:
    write_constant(folder / "canary", NEW, 3)
    settings = {"DIGITS_MODEL_DIR": folder, "DIGITS_WORKERS": 2, "DIGITS_RELOAD_S": 3600}
    with another_server(**settings) as server, connect(server) as client:

        def workers(count: int) -> bool:
            """Return whether so many workers have a canary."""
            return read_metrics(client).get(("digits_networks", NEW, "canary"), 0) == count

        write_plan(folder, TrafficPlan(canary=ALL))
        os.kill(server.pid, signal.SIGHUP)
        until(lambda: workers(2))
        for _ in range(20):
            with connect(server) as another:
                assert another.post(PREDICT, content=FOUR, headers={"Content-Type": "image/png"}).json() == {
                    "prediction": 3
                }
        killed = worker_processes(server)[0]
        killed.kill()
        until(lambda: len({*worker_processes(server)} - {killed}) == 2)
        until(lambda: workers(2))
        (folder / PLAN_NAME).write_text(json.dumps({}))
        os.kill(server.pid, signal.SIGHUP)
        until(lambda: workers(0))
