"""Whose an access token is."""
