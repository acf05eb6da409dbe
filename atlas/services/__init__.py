"""One file per noun, one function per verb: permitted, valid, written, recorded. Every door calls these."""
