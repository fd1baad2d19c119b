"""`rankbeam init`: a look at a data file, and the commented config that follows from it."""
