"""Tests of rankbeam.components.pusher."""
