"""Pages: thin views over dossiers and services, one template each."""
