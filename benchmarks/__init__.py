"""How fast xltool is, side by side with what else there is: `python -m benchmarks`."""
