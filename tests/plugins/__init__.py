"""What the tests stand on: real servers, started when the first test asks for one.

A gate decides whether tests run that need something not every machine has, a broker or control groups, and says so at
the end; kafka gives a broker; servers gives Postgres databases and a Valkey. An address in the environment takes the
place of a private server.
"""
