"""The parts of clipping.py: what is trained, by which methods, the search, timing, tables and plots."""
