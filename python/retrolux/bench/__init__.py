"""Measuring this machine: paired timing, the layers and passes that are timed, and the peak that bounds them.

``retrolux bench`` prints what a user wants to know; the scripts in the repository's bench folder use the same parts.
"""
