"""A whole platform on one machine: sample accounts, their API, a page, and visitors."""
