import io
from contextlib import redirect_stdout

from src.settings import ROOT
from tools import capacity
from tools.capacity import Plan

PLAN = Plan(requests=1000, people=700, pause=10, pictures=36e6, hours=10, price=0.1)


def test_pods_stay_below_the_load_at_which_the_autoscaler_adds_more() -> None:
    runs = [
        {
            "server": "predict",
            "network": "1.0.0",
            "picture": picture,
            "connections": 8,
            "answered": {"cpu_us": 1400.0},
        }
        for picture in capacity.PICTURES
    ]
    rows = list(capacity.serving_rows({"start": [{"network": "1.0.0"}], "runs": runs}, PLAN))
    # 1.4 cores are busy: 70 % of two; two cores for 730 hours
    assert rows[2] == "| an MNIST file, 28x28 | 1,400 µs | 2 | 1.0 GiB | 146 |"


def test_people_who_draw_keep_page_and_service_busy() -> None:
    rows = list(capacity.page_rows({"processor_ms": {"service": 9.0, "page": 100.0}}, PLAN))
    # 70 strokes a second keep 7 cores of the page busy: 70 % of ten
    assert rows[2:] == ["| service | 9 ms | 1 | 73 |", "| page | 100 ms | 10 | 730 |"]


def test_cores_score_all_pictures_in_time() -> None:
    scoring = {
        "shard_size": 10_000,
        "runs": {name: {"per_second_and_core": 500.0} for name in ("processes", "Ray")},
        "driver": {name: {"cpu_ms_a_shard": 10.0} for name in ("processes", "Ray")},
    }
    # 36 million at 500 a second take 20 hours of a core; 0.1 shards a second take 1 ms of the driver
    assert list(capacity.scoring_rows(scoring, PLAN))[2] == "| processes | 500 | 20 | 2 | 0.0010 | 2.00 |"


def test_the_document_quotes_what_the_command_prints() -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        capacity.main([])
    document = (ROOT / "docs" / "scale.md").read_text()
    for table in output.getvalue().split("\n\n"):
        assert table.strip() in document
