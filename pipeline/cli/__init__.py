"""The command line, one file per command; heavy imports happen inside the commands."""

from rankbeam.pipeline.cli.main import main

__all__ = ["main"]
