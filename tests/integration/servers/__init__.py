"""Real servers, started and killed for real: PostgreSQL, Valkey, Kafka and the laboratory of all three."""
