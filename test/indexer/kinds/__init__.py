"""Kinds of .h5ad files, each made by a function of its own name."""
