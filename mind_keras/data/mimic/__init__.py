"""ICU stays and chest X-rays: raw hospital tables and JPEGs to ready samples.

layout > reading > cohort, events, phenotypes, pairing, images > extract
extraction is the folder that comes out, and all that later stages read
"""
