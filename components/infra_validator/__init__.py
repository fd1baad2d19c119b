"""InfraValidator: does a real server give the exported model's own answers?"""
