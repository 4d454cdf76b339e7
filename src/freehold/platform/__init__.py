"""What a plain PostgreSQL lacks, as versioned SQL, and the credential formats that others share."""
