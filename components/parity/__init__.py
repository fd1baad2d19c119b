"""ParityCheck: do training, the SavedModel and a real server give the same answers?"""
