"""Experiments that break things while the product works: `python -m tests.chaos`. docs/reliability.md says what they show.

Each experiment runs the product's own processes against servers of its own, does its damage, waits until all is quiet and then
looks at everything that was written and at everything that arrived outside (`invariants.py`).
"""
