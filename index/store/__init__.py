"""The SQL index, writing side: system tables, data tables, and one transaction for rows, documents and cursors."""
