"""What the user says about features and tasks, as frozen pydantic models without TensorFlow."""
