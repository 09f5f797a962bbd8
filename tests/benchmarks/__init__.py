"""How fast things are, measured and never asserted: python -m tests.benchmarks"""
