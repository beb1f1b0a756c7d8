"""One suite for every port that has more than one adapter."""
