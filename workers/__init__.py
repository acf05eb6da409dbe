"""Everything with a tensor; only here do record and science meet."""
