"""The parts of a report: each is a function from `Results` to HTML, or to nothing.

A section is empty where the files that it shows are absent, and is then left out. To
add one: a function in a file here, and its line in `page.SECTIONS`.
"""
