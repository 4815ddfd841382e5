"""The dataset folder: layout, shards, receipts, manifest, and the check of all of them."""
