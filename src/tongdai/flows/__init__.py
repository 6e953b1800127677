"""Flows: what a number does, as data, and the interpreter that runs it in live calls and in the simulator."""
