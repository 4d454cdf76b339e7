"""From plans to SQL text and parameters. Values are always parameters; names are always quoted."""
