"""Files that are not on this machine: found, read and written through TensorFlow's or Beam's."""
