"""The science: a frozen model, and the questions one can put to it. Pure PyTorch, at home in a notebook."""
