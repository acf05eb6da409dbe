"""HTTP for scripts: one file per resource, no logic."""
