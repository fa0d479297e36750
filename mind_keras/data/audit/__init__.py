"""What could be wrong with an extraction, looked for before anything is learnt from it.

findings, context > patients, times, rows, images, channels, leaks, counts: the checks
checks is the list of all of them, and `audit`, which runs them
cohort, page, writing: who is in the extraction, and both as a table, Markdown and HTML
"""

from mind_keras.data.audit.checks import CHECKS, Audit, audit
from mind_keras.data.audit.patients import read_ids
from mind_keras.data.audit.writing import write_audit

__all__ = ["CHECKS", "Audit", "audit", "read_ids", "write_audit"]
