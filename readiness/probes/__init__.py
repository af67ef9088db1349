"""Owns looking: probes ask a deployment or read a repository, and say what they saw. They never score."""
