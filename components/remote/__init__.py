"""Files that are not on this machine, through clients of TensorFlow, Beam and Google."""
