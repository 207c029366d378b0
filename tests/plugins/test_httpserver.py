"""pytest-httpserver: each worker has a server of its own, and answers only for its own tests."""

from __future__ import annotations

import pytest
from processes.harness import METHODS, Suite

TESTS = """
    import urllib.error, urllib.request
    import pytest
    from witness import mark, meet

    def get(url):
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    @pytest.mark.parametrize("number", range(4))
    def test_answer(httpserver, number):
        httpserver.expect_request("/same").respond_with_data(f"{__name__} {number}")
        mark(f"port {httpserver.port}")
        # While both servers are up, each knows what its own worker has said.
        meet(WORKERS)
        assert get(httpserver.url_for("/same")) == f"{__name__} {number}"
        httpserver.check_assertions()

    def test_nothing_is_left_of_others(httpserver):
        with pytest.raises(urllib.error.HTTPError, match="500"):
            get(httpserver.url_for("/same"))
        with pytest.raises(AssertionError, match="No handler found"):
            httpserver.check_assertions()

    def test_an_unexpected_request_fails(httpserver):
        with pytest.raises(urllib.error.HTTPError):
            get(httpserver.url_for("/other"))
        httpserver.check_assertions()
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("server", ["httpserver", "httpserver_ipv4"])
def test_a_server_for_each_worker(suite: Suite, method: str, server: str) -> None:
    text = TESTS.replace("httpserver", server).replace("WORKERS", "2")
    suite.write(test_a=text, test_b=text)
    result = suite.run("-n", "2", "--start-method", method, plugins=("httpserver",))
    assert result.counts == {"passed": 10, "failed": 2}, result.output
    assert {report.nodeid.split("::")[1] for report in result.failures} == {"test_an_unexpected_request_fails"}
    ports = {(mark.worker, mark.name) for mark in suite.marks("port ")}
    assert len(ports) == 2
    assert len({port for _, port in ports}) == 2


def test_in_one_process(suite: Suite) -> None:
    text = TESTS.replace("WORKERS", "1")
    suite.write(test_a=text, test_b=text)
    result = suite.run("-p", "no:fastest", plugins=("httpserver",))
    assert result.counts == {"passed": 10, "failed": 2}
    assert len({mark.name for mark in suite.marks("port ")}) == 1
