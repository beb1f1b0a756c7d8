"""A private laboratory of real servers, without Docker: Apache Kafka, PostgreSQL and Redis on 127.0.0.1.

`python -m deploy.local up` returns when all of them are ready; a supervisor process stays behind and owns
them. `down` ends exactly those processes. If the supervisor dies in any way, the kernel ends its servers.
Tests use `deploy.local.cluster.LocalKafka` directly. `watch` runs Prometheus over whatever was started besides.
"""
