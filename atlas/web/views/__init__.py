"""One file for each noun: a view reads a dossier or calls a service, and names a template."""
