"""The operator's commands that need a tensor."""
