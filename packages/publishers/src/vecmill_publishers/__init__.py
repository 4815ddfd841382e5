"""Publishers for vecmill datasets."""
