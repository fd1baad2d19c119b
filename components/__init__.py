"""TFX nodes that TFX lacks: per folder a spec (`component.py`), a thin executor and pure logic."""
