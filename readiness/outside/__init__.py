"""Owns every way from this program to the outside: the policy, the one module that dials, what came back."""
