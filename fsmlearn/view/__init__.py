"""The machine and what is known of it as one HTML page: `data` says what is on it, `page` puts it into its `parts`."""
