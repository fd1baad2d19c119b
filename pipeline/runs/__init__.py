"""What a run leaves behind for people: its record, its log and its lock."""
