"""The analytics worker on a real Kafka, and what it relies on in Faust."""
