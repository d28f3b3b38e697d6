"""The meaning of a sentence: its embedding, the linear head over it, and examples of a user's own commands."""
