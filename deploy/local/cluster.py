"""A real Apache Kafka cluster of one or three nodes as supervised children of this process.

`start` returns when every broker has been admitted by the controller, so topics can be created at once. Data
and ports stay in the directory: a stopped cluster started again has the same id, addresses and records.
Call it from the main thread; the nodes end with this process, also after kill -9.
"""

import base64
import json
import os
import secrets
import shutil
import signal
from pathlib import Path
from types import TracebackType

from deploy.local.kafka_config import Node, SecureListeners, java_options, properties
from deploy.local.kafka_jars import have_kafka, obtain_jars
from deploy.local.ports import free_ports, is_free
from horolog.adapters.servers.child import Child, DirectoryLock, Launch
from horolog.adapters.servers.errors import ServerUnavailable

__all__ = ["LocalKafka", "have_kafka"]

NODE_COUNTS = (1, 3)
FORMAT_TIMEOUT_S = 120.0
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 15.0
STARTED_LINE = b"Kafka Server started"


class LocalKafka:
    """One cluster in `directory`, of one node where it has secure listeners. Not safe for concurrent use."""

    def __init__(self, directory: Path, nodes: int = 1, secure: SecureListeners | None = None) -> None:
        if nodes not in NODE_COUNTS or (secure is not None and nodes != 1):
            raise ValueError(f"nodes must be one of {NODE_COUNTS}, not {nodes}, and 1 with secure listeners")
        self._secure = secure
        self._directory = directory.resolve()
        self._count = nodes
        self._nodes: tuple[Node, ...] = ()
        self._children: dict[int, Child] = {}
        self._lock = DirectoryLock("Kafka", self._directory / "lock")
        self._java: tuple[str, ...] = ()

    def start(self) -> str:
        """Start all nodes and return the bootstrap servers, `host:port` joined by commas.

        Raises ServerUnavailable when Kafka cannot be had here, a node fails, or the directory is in use.
        """
        jars = obtain_jars()
        java = shutil.which("java")
        if java is None:
            raise ServerUnavailable("Kafka", "There is no java on PATH.", "Install Java 17 or newer.")
        self._java = (java, *java_options(), "-cp", f"{jars}/*")
        self._directory.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            self._format(self._settle_cluster())
            readiness = [(node, self._spawn(node)) for node in self._nodes]
            for node, log_start in readiness:
                self._await_started(node, log_start)
        except BaseException:
            self.stop()
            raise
        return self.bootstrap

    @property
    def bootstrap(self) -> str:
        """The bootstrap servers of the started cluster."""
        return ",".join(node.address for node in self._nodes)

    def stop(self) -> None:
        """Stop every running node in order, at most 15 s for all before they are killed; may be repeated."""
        for child in self._children.values():
            child.notify(signal.SIGTERM)
        # Without a quorum the last nodes wait in vain for a controller to take their leadership away.
        timeout_s = STOP_TIMEOUT_S
        for child in self._children.values():
            child.stop([(signal.SIGTERM, timeout_s), (signal.SIGKILL, 5.0)])
            timeout_s = min(timeout_s, STOP_TIMEOUT_S / self._count)
        self._children.clear()
        self._lock.release()

    def kill_node(self, number: int) -> None:
        """End node `number` (from 1) as a crash would, with SIGKILL, and return when it is gone."""
        self._children.pop(number).stop([(signal.SIGKILL, 5.0)])

    def restart_node(self, number: int) -> None:
        """Start a killed node on its old data and ports, and return when the cluster has it back."""
        node = self._nodes[number - 1]
        if number in self._children:
            raise ValueError(f"node {number} still runs")
        self._await_started(node, self._spawn(node))

    def child(self, number: int) -> Child:
        """Return the running process of node `number`; KeyError when it was killed."""
        return self._children[number]

    def __enter__(self) -> "LocalKafka":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _settle_cluster(self) -> str:
        """Choose or recall the cluster's id and ports, write each node's properties, return the id."""
        record = self._directory / "cluster.json"
        stored = json.loads(record.read_text()) if record.exists() else {}
        if stored and stored["nodes"] != self._count:
            raise ServerUnavailable(
                "Kafka",
                f"{self._directory} holds a cluster of {stored['nodes']} nodes, not {self._count}.",
                "Use that number, or another directory.",
            )
        cluster_id: str = stored.get("id") or base64.urlsafe_b64encode(secrets.token_bytes(16)).decode()[:22]
        ports: list[int] = stored.get("ports", [])
        if not ports or not all(is_free(port) for port in ports):
            ports = list(free_ports(2 * self._count))
        aside = record.with_suffix(".new")
        aside.write_text(json.dumps({"id": cluster_id, "nodes": self._count, "ports": ports}))
        aside.replace(record)
        self._nodes = tuple(
            Node(number, ports[2 * number - 2], ports[2 * number - 1], self._directory / f"node-{number}")
            for number in range(1, self._count + 1)
        )
        for node in self._nodes:
            node.home.mkdir(exist_ok=True)
            (node.home / "server.properties").write_text(properties(node, self._nodes, self._secure))
        return cluster_id

    def _format(self, cluster_id: str) -> None:
        fresh = [node for node in self._nodes if not (node.home / "data" / "meta.properties").exists()]
        # An id may begin with "-", hence the equals sign.
        tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config")
        running = [self._launch(node, (*tool, str(node.home / "server.properties"))) for node in fresh]
        for child in running:
            child.await_success(FORMAT_TIMEOUT_S)

    def _spawn(self, node: Node) -> int:
        """Start the node's process; return where its part of the log begins."""
        log = node.home / "server.log"
        log_start = log.stat().st_size if log.exists() else 0
        arguments = ("kafka.Kafka", str(node.home / "server.properties"))
        self._children[node.number] = self._launch(node, arguments)
        return log_start

    def _launch(self, node: Node, arguments: tuple[str, ...]) -> Child:
        environment = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"}
        return Child.start(
            Launch(
                server=f"Kafka node {node.number}",
                argv=(*self._java, *arguments),
                log=node.home / "server.log",
                death_signal=signal.SIGTERM,
                environment=environment,
            )
        )

    def _await_started(self, node: Node, log_start: int) -> None:
        def is_ready() -> bool:
            with (node.home / "server.log").open("rb") as log:
                log.seek(log_start)
                return STARTED_LINE in log.read()

        self._children[node.number].await_ready(is_ready, START_TIMEOUT_S)
