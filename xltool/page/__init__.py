"""One HTML file that runs this package in a browser, offline:
built by `build`, at work in `desk`."""
