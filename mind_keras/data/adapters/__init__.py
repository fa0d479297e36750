"""Other people's tables to an extraction folder, so that all that follows is the same.

names, values (what a cell means) > hourly (events to hours) > assemble (the folder)
medfuse, long_format: the two forms that are read, each in a file of its own
"""
