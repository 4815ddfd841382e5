"""Fuzzing: input of every kind ends in a result or in a message of ours, in bounded time and memory.

``hatch run fuzz:all`` looks for input that does not; what was found stays in ``corpus``, and tests/security tries it
again. Each module takes bytes to its ``check``.
"""
