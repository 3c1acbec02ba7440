"""What people see: tables, plots, the report, files to start from.

In: datasets and findings of the studies.
Out: words, pictures and files; nothing is simulated here.
"""
