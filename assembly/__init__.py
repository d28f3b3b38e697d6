"""Builds the server: the references of the actors, and the dependencies of each."""
