"""Where documents come from: pydoc, parquet, jsonl, csv, hub and saved."""
