"""From words to vectors without torch and without scikit-learn; texts and vectors read from files."""
