"""A driver's own word on its jobs, asked over real sockets with answers recorded from Spark 4.3.

tests/cluster asks a real driver; here only the page is played, by a process that is called java.
"""

import asyncio
import json
import subprocess
import sys
import textwrap

import pytest
from maru_server.processes import read_processes
from maru_server.spark_jobs import listening_sockets, spark_runs

APPLICATIONS = [{"id": "local-1795372489582", "name": "pyspark-shell", "attempts": []}]
RUNNING = [{"jobId": 1, "name": "count", "status": "RUNNING", "numActiveTasks": 2}]
PAGE = """
import http.server, json, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answers = json.loads(sys.argv[2])
        self.send_response(200 if self.path in answers else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answers.get(self.path)).encode())
    def log_message(self, *words):
        print("asked", self.path, file=sys.stderr, flush=True)
for port in range(*map(int, sys.argv[1].split("-"))):
    try:
        server = http.server.HTTPServer(("127.0.0.1", port), Page)
        break
    except OSError:
        pass
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def page(tmp_path):
    """Start a page; return its process, its port and where it says what it was asked."""
    started = []

    def start(jobs, name="java", ports="4040-4057"):
        program = tmp_path / name
        program.symlink_to(sys.executable)
        path = "/api/v1/applications"
        answers = {path: APPLICATIONS}
        answers[f"{path}/{APPLICATIONS[0]['id']}/jobs?status=running"] = jobs
        log = tmp_path / "asked"
        process = subprocess.Popen(
            [program, "-c", textwrap.dedent(PAGE), ports, json.dumps(answers)],
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )
        started.append(process)
        return process, int(process.stdout.readline()), log

    yield start
    for process in started:
        process.kill()
        process.wait()


def runs(process):
    return asyncio.run(spark_runs(read_processes(), [process.pid]))


def test_a_running_job_is_work(page):
    process, port, _ = page(RUNNING)
    assert ("127.0.0.1", port) in listening_sockets(process.pid)
    assert runs(process)


def test_an_idle_driver_is_not(page):
    process, _, _ = page([])
    assert not runs(process)


def test_a_page_that_is_not_sparks_is_not(page):
    process, _, _ = page(None)
    assert not runs(process)


@pytest.mark.parametrize("options", [{"name": "ruby"}, {"ports": "4557-4657"}])
def test_nothing_else_is_asked(page, options):
    """No other process's pages, no other port of a JVM, where a request would be an error."""
    process, _, log = page(RUNNING, **options)
    assert not runs(process)
    assert log.read_text() == ""


def test_a_process_that_is_gone_runs_nothing(page):
    process, _, _ = page(RUNNING)
    processes = read_processes()
    process.kill()
    process.wait()
    assert not asyncio.run(spark_runs(processes, [process.pid]))
