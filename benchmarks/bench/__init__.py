"""What the measurements share: texts, rounds, contenders in processes of their own, results."""
