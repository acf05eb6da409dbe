"""The record: what is known about fixed checkpoints, who said so, and what was computed. Knows no torch."""
