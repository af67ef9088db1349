"""The tags of the machine's templates."""
