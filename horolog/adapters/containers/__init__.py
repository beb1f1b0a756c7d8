"""Programs of attempts in containers, made by Docker or Podman: the engine's own executable is run for each.

- `engine`     what the operator says of the engine and its containers
- `arguments`  the arguments that the engine is given, and nothing else
- `calls`      one call of the engine that is no program of a job
- `containers` starts programs, ends them, and removes what executors left that are no more

Guarantee: of a job only its program, its arguments, its directory, its variables and an image that the operator has
named reach the engine, none of them in a place where the engine looks for a flag; the end of a container is told once,
after the engine has said that it is gone, or could not be brought to say so within a bounded time.
"""
