"""One HTML page: offline, without scripts, everything from outside escaped."""

from mind_keras.report.gathered import Results
from mind_keras.report.markup import Html, join, paragraph, tag, text
from mind_keras.report.sections import (
    asked,
    curves,
    epochs,
    forests,
    missing,
    numbers,
    paired,
)
from mind_keras.report.style import STYLE

# Title of each section, and the function that makes it, in the order of the page.
SECTIONS = {
    "Headline": numbers.first,
    "What was asked": asked.question,
    "Data and cohort": asked.cohort,
    "Over the seeds": numbers.seeds,
    "Paired differences": paired.comparisons,
    "Patterns of modalities": numbers.patterns,
    "Heads": numbers.heads,
    "What each model costs": numbers.models,
    "Labels": forests.labels,
    "Curves": curves.curves,
    "Calibration": numbers.calibration,
    "Missing modalities": missing.missing,
    "Balance of modalities": epochs.balance,
    "Subgroups": forests.subgroups,
    "Training": epochs.training,
    "All metrics": numbers.everything,
    "Statistics": asked.statistics,
    "Limits": asked.limits,
    "Settings": asked.settings,
    "Environment": asked.environment,
}


def page(results: Results) -> str:
    """The report of a run.

    Args:
        results: What its folder holds.

    Returns:
        A whole HTML document. A section whose files are absent is left out.
    """
    made = {title: make(results) for title, make in SECTIONS.items()}
    shown = {title: body for title, body in made.items() if body}
    first, *others = [section(title, body) for title, body in shown.items()]
    links = [tag("a", title, href=f"#{name_of(title)}") for title in shown]
    name = results.summary["name"]
    start = [tag("h1", name), paragraph(asked.asked_in_short(results.summary))]
    return document(name, [*start, first, tag("nav", join(links)), *others])


def section(title: str, body: Html) -> Html:
    """A part of a page that links lead to."""
    return tag("section", join([tag("h2", title), body]), id=name_of(title))


def name_of(title: str) -> str:
    """What a section is called in a link.

    Example:
        >>> name_of("What was asked")
        'what-was-asked'
    """
    return title.lower().replace(" ", "-")


def document(title: str, parts: list[Html]) -> str:
    """A whole page around its parts."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{join(parts)}\n</body>\n</html>\n"
    )
