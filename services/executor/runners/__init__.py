"""One runner for each job type, behind the port of `services.executor.runner`.

- `http`           one request
- `command`        one program; `capture` keeps what it writes
- `function`       Python functions in warm processes; `function_channel` is this end of one of them, and
                   `services.executor.function_host` what runs inside
"""
