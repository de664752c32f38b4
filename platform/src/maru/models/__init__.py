"""Labels, training, evaluation and back tests."""
