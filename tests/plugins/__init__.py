"""What the tests stand on: real servers, started when the first test asks for one.

kafka_gate decides whether tests that need a broker run, and says so at the end; kafka gives them one; servers
gives Postgres databases and a Valkey; previous_release gives the code at which an upgrade begins. An address in the
environment takes the place of a private server.
"""
