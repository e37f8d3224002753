"""From data to a network that serves: the stages of dvc.yaml, their record, and what starts them."""
