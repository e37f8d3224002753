"""Write the monitoring of deploy/kubernetes from docs/monitoring: `make manifests`.

Run as `python -m tools.kubernetes_monitoring` after a change of docs/monitoring. The Prometheus operator reads the
rules and what to scrape; Grafana's sidecar finds the dashboard by its label.
"""

import json
from typing import Any, Final

import yaml

from src.model.files import write_text_atomically
from src.settings import ROOT

SOURCE: Final = ROOT / "docs" / "monitoring"
TARGET: Final = ROOT / "deploy" / "kubernetes" / "components" / "monitoring" / "monitoring.yaml"
HEADER: Final = "# Written by `make manifests` from docs/monitoring. Change those files instead.\n"
NAME: Final = "digits-api"

Manifest = dict[str, Any]


def build_rule() -> Manifest:
    """Return the PrometheusRule with the rules of alerts.yml."""
    alerts = yaml.safe_load((SOURCE / "alerts.yml").read_text())
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": NAME},
        "spec": {"groups": alerts["groups"]},
    }


def build_monitor() -> Manifest:
    """Return the ServiceMonitor: each pod of the service is scraped by itself."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": NAME},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/component": "api"}},
            "endpoints": [{"port": "http", "path": "/metrics", "interval": "15s", "scrapeTimeout": "5s"}],
        },
    }


def build_dashboard() -> Manifest:
    """Return the ConfigMap with dashboard.json."""
    dashboard = json.loads((SOURCE / "dashboard.json").read_text())
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "digits-dashboard", "labels": {"grafana_dashboard": "1"}},
        "data": {"digits.json": json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"},
    }


def render() -> str:
    """Return the content of the file."""
    manifests = [build_rule(), build_monitor(), build_dashboard()]
    return HEADER + yaml.dump_all(manifests, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


if __name__ == "__main__":
    write_text_atomically(TARGET, render())
