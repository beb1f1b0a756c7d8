"""The documents' examples: each fenced block is read from its document by the test that runs it, so neither drifts."""
