"""RabbitMQ with the definitions of deploy/rabbitmq: whether it takes them, and what its users may do then."""

import base64
import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pika
from pika.exceptions import AMQPError

VHOST, SERVICES, MONITORING = "langflix", "langflix", "langflix-monitoring"
QUEUE, EXCHANGE = "encoding.bulk.v1", "langflix.work"
COMMANDS = Path("/usr/lib/rabbitmq/bin")


class Broker:
    """The broker of the tests, the passwords that deploy/prepare made, and what was seen."""

    def __init__(self, prepared: Path) -> None:
        self.secrets = prepared / "secrets"
        self.amqp = urlsplit(os.environ["LANGFLIX_TEST_AMQP"])
        self.api = urlsplit(os.environ["LANGFLIX_TEST_RABBITMQ_API"])
        self.measures = free_port()
        self.said = ""
        self.version = self.call("guest", "GET", "overview")[1]["rabbitmq_version"]

    def password(self, user: str) -> str:
        files = {SERVICES: "rabbitmq-password", MONITORING: "rabbitmq-monitoring-password"}
        return (self.secrets / files[user]).read_text() if user in files else "guest"

    def call(self, user: str, method: str, path: str, body: object = None) -> tuple[int, object]:
        """Asks the management API."""
        request = urllib.request.Request(f"http://{self.api.hostname}:{self.api.port}/api/{path}", method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{self.password(user)}".encode()).decode())
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def import_definitions(self) -> list[str]:
        definitions = json.loads((self.secrets / "rabbitmq-definitions.json").read_text())
        status, answer = self.call("guest", "POST", "definitions", definitions)
        old = tuple(int(part) for part in self.version.split(".")[:2]) < (3, 12)
        if old:
            # Before 3.12 a policy cannot hold the time-out: everything else has to be taken.
            if status != 400 or "consumer-timeout" not in str(answer):
                return [f"definitions: {self.version} answers {status} to a policy with a consumer time-out: {answer}"]
            definitions["policies"] = []
            status, answer = self.call("guest", "POST", "definitions", definitions)
        self.said = f"RabbitMQ {self.version} takes them" + (", but for the policy, which is for 3.12 and later" if old else "")
        return [] if status in (201, 204) else [f"definitions: {status}: {answer}"]

    def tell_measures(self) -> None:
        """Has this node tell its measures on a port of their own."""
        amqp = self.amqp.port
        state = Path(os.environ["LANGFLIX_SERVERS_DIR"]) / "state/rabbitmq"
        environment = os.environ | {
            "HOME": str(state / "home"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Third of the block of ports that scripts/lib/servers.sh takes, whose first is AMQP's.
            "ERL_EPMD_PORT": str(amqp + 3),
            "RABBITMQ_NODENAME": "langflix@localhost",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(state / "enabled_plugins"),
        }
        place = f'application:set_env(rabbitmq_prometheus, tcp_config, [{{port, {self.measures}}}, {{ip, "127.0.0.1"}}]).'
        for command in (["rabbitmqctl", "eval", place], ["rabbitmq-plugins", "enable", "rabbitmq_prometheus"]):
            done = subprocess.run([COMMANDS / command[0], *command[1:]], env=environment, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    def rights(self) -> list[str]:
        """What the users may do beyond their work: nothing. That the services may do theirs, they have shown."""
        faults = []
        for user, vhost, name, deed in self.forbidden():
            if self.may(user, vhost, deed):
                faults.append(f"definitions: {user} may {name}")
        # Without what KEDA asks for.
        status, answer = self.call(MONITORING, "GET", f"queues/{VHOST}/{QUEUE}")
        if status != 200 or "messages" not in answer:
            faults.append(f"definitions: {MONITORING} may not count a queue's messages: {status}")
        calls = [
            (MONITORING, "DELETE", f"queues/{VHOST}/{QUEUE}/contents", None),
            (MONITORING, "DELETE", f"queues/{VHOST}/{QUEUE}", None),
            (MONITORING, "POST", f"queues/{VHOST}/{QUEUE}/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}),
            (MONITORING, "PUT", f"queues/{VHOST}/another", {"durable": True}),
            (MONITORING, "GET", "users", None),
            (MONITORING, "GET", f"queues/%2f/{QUEUE}", None),
            (SERVICES, "GET", f"queues/{VHOST}/{QUEUE}", None),
        ]
        for user, method, path, body in calls:
            status, _ = self.call(user, method, path, body)
            if status < 400:
                faults.append(f"definitions: {user} may {method} {path}: {status}")
        self.said += f"; {len(list(self.forbidden())) + len(calls)} deeds are refused"
        return faults

    def spoil(self) -> None:
        """Hands in a message that nobody can read."""
        if not self.may(SERVICES, VHOST, lambda channel: channel.basic_publish(EXCHANGE, "analysis.bulk.v1", b"no message")):
            raise SystemExit("the services' user may not publish")

    def forbidden(self):
        def declare(channel) -> None:
            channel.queue_declare("another", durable=True)

        def exchange(channel) -> None:
            channel.exchange_declare("another", durable=True)

        def publish_default(channel) -> None:
            channel.basic_publish("", QUEUE, b"")
            channel.queue_declare(QUEUE, passive=True)

        def publish_topic(channel) -> None:
            channel.basic_publish("amq.topic", QUEUE, b"")
            channel.queue_declare(QUEUE, passive=True)

        def bind(channel) -> None:
            channel.queue_bind(QUEUE, "amq.topic", "#")

        def take(channel) -> None:
            channel.basic_get(QUEUE)

        def publish(channel) -> None:
            channel.basic_publish(EXCHANGE, "nowhere", b"")
            channel.queue_declare(QUEUE, passive=True)

        def purge(channel) -> None:
            channel.queue_purge(QUEUE)

        yield SERVICES, VHOST, "declare another queue", declare
        yield SERVICES, VHOST, "declare another exchange", exchange
        yield SERVICES, VHOST, "publish to the default exchange", publish_default
        yield SERVICES, VHOST, "publish to amq.topic", publish_topic
        yield SERVICES, VHOST, "bind to amq.topic", bind
        yield SERVICES, "/", "enter another virtual host", lambda channel: None
        yield MONITORING, VHOST, "declare a queue", declare
        yield MONITORING, VHOST, "take a message", take
        yield MONITORING, VHOST, "publish", publish
        yield MONITORING, VHOST, "purge a queue", purge

    def may(self, user: str, vhost: str, deed) -> bool:
        credentials = pika.PlainCredentials(user, self.password(user))
        parameters = pika.ConnectionParameters(self.amqp.hostname, self.amqp.port, vhost, credentials)
        try:
            connection = pika.BlockingConnection(parameters)
        except AMQPError:
            return False
        try:
            deed(connection.channel())
        except AMQPError as error:
            if "ACCESS_REFUSED" not in str(error):
                raise
            return False
        finally:
            if connection.is_open:
                connection.close()
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
