"""What the owners decide, without a log: turns of the dispatcher and the ticker."""
