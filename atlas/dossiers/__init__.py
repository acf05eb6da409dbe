"""The read side: everything a page or an API body shows, as frozen facts, each in a fixed number of queries."""
