"""Questions over tables to SQL, without a language model."""
