"""An upgrade as it is done: the release before this one and this one at work on the same servers."""
