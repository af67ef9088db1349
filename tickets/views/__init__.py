"""The pages of the record: thin views over the models."""
