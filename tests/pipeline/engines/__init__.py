"""Tests of the engines that `rankbeam engine` starts."""
