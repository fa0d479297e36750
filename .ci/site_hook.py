"""A hook of mkdocs: what lies outside of `docs/` becomes part of the site.

Notebooks, the changes and the guide for contributors stay where readers of the
repository look for them, and are not copied. Links between all these pages are those
that work in the repository. Here they are turned into links of the site; where they
lead to a file that the site does not have, their text stays, and the link goes.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority, get_plugin_logger
from mkdocs.structure.files import File
from mkdocs.utils import get_relative_url

LOG = get_plugin_logger("site_hook")
ROOT = Path(__file__).resolve().parents[1]
MOUNTED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
# Notebooks name our files so, since they are read alone, on Colab, too.
OURS = re.compile(r"https://github\.com/[\w-]+/mind_keras/blob/main/")
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
ANCHOR = re.compile(r'<a\b([^>]*?)href="([^"]+)"([^>]*)>(.*?)</a>', re.DOTALL)
# What a browser would fetch by itself.
FETCHED = re.compile(
    r'<(?:script|img|iframe|source|video|audio|embed|object|link(?! rel="canonical"))'
    r'\b[^>]*\b(?:src|href|data)="?(?:https?:)?//[^>]*>'
)
BADGE = re.compile(r'<img\b[^>]*?\balt="([^"]*)"[^>]*?\bsrc="https?://[^>]*>')
SCRIPT = re.compile(r"<script\b[^>]*\b(?:src|type)=.*?</script>", re.DOTALL)


# Before the plugin that looks for notebooks among the files.
@event_priority(100)
def on_files(files, config):
    """Add what lies outside."""
    for name, uri in MOUNTED.items():
        path = str(ROOT / name)
        files.append(File.generated(config, uri, abs_src_path=path))
    # The plugin reads a notebook where its folder and name say, so not as generated.
    place = (str(ROOT), config.site_dir, config.use_directory_urls)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        files.append(File(f"notebooks/{path.name}", *place))
    return files


def on_page_markdown(markdown, page, config, files):
    """Links of a page in Markdown."""
    home = posixpath.dirname(page.file.src_uri) or "."

    def turned(match):
        text, target = match.groups()

        def link(file, fragment):
            return f"[{text}]({posixpath.relpath(file.src_uri, home)}{fragment})"

        return aimed(match[0], text, target, page, files, link)

    parts = FENCED.split(markdown)
    return "".join(p if p.startswith("```") else LINK.sub(turned, p) for p in parts)


def on_page_content(html, page, config, files):
    """Links of a notebook, which reaches us as HTML; and what it would download."""
    if not page.file.src_uri.endswith(".ipynb"):
        return html

    def turned(match):
        before, target, after, text = match.groups()

        def link(file, fragment):
            url = get_relative_url(file.url, page.url) + fragment
            return f'<a{before}href="{url}"{after}>{text}</a>'

        return aimed(match[0], text, target, page, files, link)

    # MathJax and mermaid: we use neither, and the site asks no server for anything.
    html = SCRIPT.sub("", html)
    # A badge of another site becomes its words.
    return ANCHOR.sub(turned, BADGE.sub(r"\1", html))


def aimed(whole, text, target, page, files, link):
    """A link of the site; its text where the site lacks the file; or as it was."""
    found = aim(target, page, files)
    if found is None:
        return text
    file, fragment = found
    return whole if file is None else link(file, fragment)


def on_post_page(output, page, config):
    """Refuse a page that asks a server for anything."""
    if found := FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches from elsewhere: {found[0]}")
    return output


def aim(target, page, files):
    """Where a link leads: `(file, fragment)`; None where the site has no such file.

    The file is None for links that stay as they are: within the page, outward, or to
    what the repository has not either, which a strict build refuses.
    """
    ours = OURS.match(target)
    if re.match(r"[a-z]+:|#", target) and not ours:
        return None, ""
    path, mark, fragment = OURS.sub("", target).partition("#")
    home = "" if ours else posixpath.dirname(in_repository(page.file.src_uri))
    name = posixpath.normpath(posixpath.join(home, path))
    file = files.get_file_from_path(in_site(name) or name)
    if file:
        return file, mark + fragment
    if (ROOT / name).exists():
        return (None, "") if ours else None
    LOG.warning("%s: a link leads nowhere: %s", page.file.src_uri, target)
    return None, ""


def in_repository(uri):
    """The place in the repository of a page of the site."""
    for name, mounted in MOUNTED.items():
        if uri == mounted:
            return name
    return uri if uri.startswith("notebooks/") else f"docs/{uri}"


def in_site(name):
    """The place in the site of a file of the repository, None if it has none."""
    if name.startswith("docs/"):
        return name.removeprefix("docs/")
    known = MOUNTED | {"README.md": "index.md"}
    return name if name.startswith("notebooks/") else known.get(name)
