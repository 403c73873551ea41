"""Load: connections that send, wait for the answer, and send again, from processes of their own."""

from __future__ import annotations

import multiprocessing
import socket
import time
import uuid
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Thread

from tests.bench.event import Requests

_PER_PROCESS = 8
_PATIENCE = 10.0  #: seconds for one answer


@dataclass(frozen=True)
class Load:
    """What to send where, for how long (seconds, after ``warm_up``)."""

    port: int
    path: str
    connections: int
    seconds: float
    accounts: int
    warm_up: float = 1.0


@dataclass(frozen=True)
class Result:
    """How it went; times in milliseconds."""

    events_per_second: float
    p50: float
    p95: float
    p99: float
    refused: int


def put(load: Load) -> Result:
    """Put the load on the server, and measure.

    Only answers within the measured window count, and only a 2xx counts as an accepted event.
    """
    spawn = multiprocessing.get_context("spawn")
    begin = spawn.Event()
    shares = [min(_PER_PROCESS, load.connections - taken) for taken in range(0, load.connections, _PER_PROCESS)]
    pipes = []
    processes = []
    for share in shares:
        ours, theirs = spawn.Pipe(duplex=False)
        process = spawn.Process(target=_send_from_process, args=(load, share, begin, theirs), daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()  # connected
    begin.set()
    deadline = load.warm_up + load.seconds + 3 * _PATIENCE
    latencies: list[float] = []
    refused = 0
    for pipe, process in zip(pipes, processes, strict=True):
        if not pipe.poll(deadline):
            process.kill()
            raise RuntimeError("a load process did not report in time")
        sent, bad = pipe.recv()
        latencies += sent
        refused += bad
        process.join(_PATIENCE)
    return _result(sorted(latencies), refused, load.seconds)


def _result(latencies: list[float], refused: int, seconds: float) -> Result:
    def percentile(share: float) -> float:
        return latencies[min(int(len(latencies) * share), len(latencies) - 1)] * 1000 if latencies else 0.0

    return Result(len(latencies) / seconds, percentile(0.50), percentile(0.95), percentile(0.99), refused)


def _send_from_process(load: Load, connections: int, begin: object, report: Connection) -> None:
    latencies: list[float] = []
    refused: list[int] = []
    sockets = [_connect(load.port) for _ in range(connections)]
    report.send("connected")
    begin.wait()  # type: ignore[attr-defined]  # an Event made by a spawn context has no importable type
    opens = time.perf_counter() + load.warm_up
    threads = [
        Thread(target=_send, args=(load, connection, opens, latencies, refused), daemon=True) for connection in sockets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.send((latencies, len(refused)))


def _send(load: Load, connection: socket.socket, opens: float, latencies: list[float], refused: list[int]) -> None:
    """One connection's loop. A list's append is atomic, so all threads of a process share two lists."""
    requests = Requests(load.path, uuid.uuid4().hex[:10], load.accounts)
    closes = opens + load.seconds
    while True:
        request = next(requests)
        sent = time.perf_counter()
        if sent >= closes:
            break
        connection.sendall(request)
        status = _status(connection)
        answered = time.perf_counter()
        if answered >= closes:
            break
        if not 200 <= status < 300:
            refused.append(status)
        elif sent >= opens:
            latencies.append(answered - sent)
    connection.close()


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _status(connection: socket.socket) -> int:
    """Read one answer to its end, and give its status."""
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += _receive(connection)
    head = answer[:end].lower()
    at = head.find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    while len(answer) < end + 4 + length:
        answer += _receive(connection)
    return int(head[9:12])


def _receive(connection: socket.socket) -> bytes:
    piece = connection.recv(65_536)
    if not piece:
        raise RuntimeError("the server closed a kept-alive connection")
    return piece
