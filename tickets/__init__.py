"""The record: what is known about a deployment, who said so, and what is left to do."""
