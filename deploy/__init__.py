"""How Horolog is run beyond one process: the container way, and real servers without containers.

- `compose.yaml`, `Dockerfile`  the official images and ours; `compose.*.yaml` is what can be added.
- `k8s`                         the same for a cluster, by kustomize.
- `requirements`                the hash-pinned locks.
- `local`                       Kafka, PostgreSQL and Redis as children of one supervisor (`make up`, `make down`).
"""
