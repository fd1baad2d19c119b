"""Servers in processes of their own, under load and under attack; every test counts."""
