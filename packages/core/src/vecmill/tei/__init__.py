"""Text Embeddings Inference: a router of Hugging Face's, or any server that speaks its protocol, as an embedder."""
