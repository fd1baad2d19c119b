"""Serialized tf.Examples to Arrow, by TensorFlow's batch parser."""
