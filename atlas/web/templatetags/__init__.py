"""Words and drawings for the templates."""
