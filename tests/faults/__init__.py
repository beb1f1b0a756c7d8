"""A small deployment on real servers, ill-treated in one way per test."""
