"""SQL in, SQL that shows only what a scope shows out."""
