"""The API over fakes behind its ports. Every answer that a test gets has been held against the OpenAPI document."""
