"""The documents, and `python -m docs.generate`, which keeps the generated ones in step with the code."""
