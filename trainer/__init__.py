"""Models by composition (encoder, interaction, sharing, task structure), losses, fit, export."""
