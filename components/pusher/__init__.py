"""Pusher: a blessed model becomes a version that servers find, whole or not at all."""
