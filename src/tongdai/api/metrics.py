"""What Prometheus is told of this process. Of control it is told what control says."""

from __future__ import annotations

from collections.abc import Mapping


class WebMetrics:
    """Counters are plain numbers until somebody asks: prometheus_client is imported then."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = {}
        self.seconds = 0.0

    def count(self, method: str, status: int, seconds: float) -> None:
        key = (method, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        self.seconds += seconds

    def text(self, listeners: int) -> bytes:
        """In the text format of Prometheus."""
        from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
        from prometheus_client.core import CounterMetricFamily

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Gauge("tongdai_web_listeners", "WebSockets that listen to events", registry=registry).set(listeners)
        requests = CounterMetricFamily(
            "tongdai_web_requests", "Requests answered", labels=["method", "status"]
        )
        for (method, status), count in self.requests.items():
            requests.add_metric([method, str(status)], count)
        seconds = CounterMetricFamily("tongdai_web_request_seconds", "Time spent on requests", self.seconds)

        class Counters:
            def collect(self) -> list[CounterMetricFamily]:
                return [requests, seconds]

        registry.register(Counters())
        return generate_latest(registry)


def control_text(values: Mapping[str, float]) -> bytes:
    """What control says of itself, in the text format of Prometheus."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    for name, value in values.items():
        described = name.replace("_", " ").capitalize()
        Gauge(f"tongdai_control_{name}", described, registry=registry).set(value)
    return generate_latest(registry)
