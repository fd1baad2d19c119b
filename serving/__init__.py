"""The embedded model server, its client, and what a pushed model answers to."""
