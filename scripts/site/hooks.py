"""What MkDocs does beyond docs/: the manual pages by mandoc, the references of Rust, Go and Python,
the README and other pages of the tree, links between them, and the navigation, which is made of
what there is."""

import html
import posixpath
import re
import shutil
import subprocess
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
# What scripts/docs has made before.
MADE = ROOT / "build/site"

# Pages of the tree, and where they are in the site.
PAGES = {
    "README.md": "index.md",
    "bindings/python/README.md": "python/index.md",
    "bindings/go/README.md": "go/index.md",
    "libnetns/README.md": "rust/index.md",
    "bindings/rust/netns-rs/README.md": "rust/netns-rs.md",
    "examples/README.md": "gallery.md",
    "bench/README.md": "bench/index.md",
    "bench/results.md": "bench/results.md",
    "abi/README.md": "project/abi.md",
    "CHANGELOG.md": "project/changes.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
}
# The order of the navigation. A page of docs/ that is not here comes under "More", and one that is
# here and does not exist is left out.
NAVIGATION = {
    "Start": ["index.md", "guide.md", "installing.md", "moving.md", "comparison.md", "figures.md"],
    "Cookbook": ["cookbook/index.md", "cookbook.md", "cookbook/*", "gallery.md", "examples.md"],
    "Problems": ["troubleshooting.md", "troubleshooting/*", "debugging.md"],
    "Languages": [
        "operations.md",
        "cpp.md",
        "python/index.md",
        "python/reference.md",
        "go/index.md",
        "go/*",
        "rust/index.md",
        "rust/netns-rs.md",
    ],
    "Manual pages": ["man/index.md", "man/netns.7.md", "man/netns.1.md", "man/*"],
    "Project": ["testing.md", "kernels.md", "bench/*", "project/*"],
    "More": ["*"],
}
# Where the first heading of a page says too little beside others.
TITLES = {
    "index.md": "Overview",
    "cookbook/index.md": "Recipes",
    "gallery.md": "Example programs",
    "python/index.md": "Python",
    "go/index.md": "Go",
    "rust/index.md": "Rust",
    "rust/netns-rs.md": "Rust: netns-rs",
    "man/index.md": "All pages",
    "bench/index.md": "The benchmark",
    "bench/results.md": "Results of the benchmark",
}
PYTHON = "# Python reference\n\n::: libnetns\n"
CODE = re.compile(r"(^ *(```+|~~~+).*?^ *\2 *$|``.+?``|`[^`\n]+`)", re.M | re.S)


# --- the pages -----------------------------------------------------------------------------------


def on_files(files, config):
    def add(uri, content=None, path=None):
        files.append(File.generated(config, uri, content=content, abs_src_path=path))

    for source, uri in PAGES.items():
        if (ROOT / source).exists():
            add(uri, content=(ROOT / source).read_text())
    for image in ("bench/growth.svg",):
        add(image, path=str(ROOT / image))
    for page in manual_pages():
        add(f"man/{page.name}.md", content=as_markdown(page))
    add("man/index.md", content=index_of_manuals())
    add("python/reference.md", content=PYTHON)
    for page in sorted((MADE / "go").glob("*.md")):
        add(f"go/{page.name}", content=page.read_text())
    for file in sorted((MADE / "rust").rglob("*")):
        # A licence of a font is no page; on_post_build() puts it there.
        if file.is_file() and file.suffix != ".md":
            add(f"rust/reference/{file.relative_to(MADE / 'rust')}", path=str(file))
    config.nav = navigation(files)
    config.nav[0]["Start"].append({"Source": config.extra["repository"]})
    return files


def on_post_build(config):
    for file in (MADE / "rust").rglob("*.md"):
        shutil.copy(file, Path(config.site_dir, "rust/reference", file.relative_to(MADE / "rust")))


def navigation(files):
    left = sorted(file.src_uri for file in files.documentation_pages())
    nav = []
    for title, patterns in NAVIGATION.items():
        section = []
        for pattern in patterns:
            matching = [uri for uri in left if Path(uri).match(pattern) and in_folder(uri, pattern)]
            if pattern == "cookbook/*":
                matching.sort(key=order_of_links(files.get_file_from_path("cookbook/index.md")))
            section += matching
            left = [uri for uri in left if uri not in matching]
        if section:
            nav.append({title: [{TITLES[uri]: uri} if uri in TITLES else uri for uri in section]})
    return nav


def in_folder(uri, pattern):
    return posixpath.dirname(uri) == posixpath.dirname(pattern) or pattern == "*"


def order_of_links(index):
    """A cookbook has its pages in the order in which its first page links to them."""
    text = index.content_string if index else ""

    def key(uri):
        at = text.find(f"]({posixpath.basename(uri)}")
        return (at < 0, at, uri)

    return key


def on_page_markdown(markdown, page, config, files):
    uri = page.file.src_uri
    source = next((path for path, other in PAGES.items() if other == uri), f"docs/{uri}")
    parts = CODE.split(markdown)
    # Of three, the second is code and the third its fence.
    for at in range(0, len(parts), 3):
        text = re.sub(r"<!--.*?-->", "", parts[at], flags=re.S)
        parts[at] = re.sub(
            r"(\]\(|^\[[^]]+\]: +)([^)\s]+)",
            lambda link: link[1] + in_the_site(link[2], source, uri, config, files),
            text,
            flags=re.M,
        )
    text = "".join(part or "" for at, part in enumerate(parts) if at % 3 != 2)
    # rustdoc's words about a block are none of a highlighter's.
    text = re.sub(r"^```rust,\w+$", "```rust", text, flags=re.M)
    if uri == "rust/index.md" and (MADE / "rust").exists():
        text += "\n## Reference\n\nrustdoc has [all of the crate](reference/libnetns/index.html).\n"
    return text


def in_the_site(link, source, uri, config, files):
    """A link of a page of the tree, for its page of the site: to the repository's home if what it
    leads to is not in the site."""
    if re.match(r"[a-z]+:|#", link) or source.startswith(("docs/man/", "docs/go/", "docs/python/")):
        return link
    target, _, anchor = link.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    anchor = f"#{anchor}" if anchor else ""
    manual = re.fullmatch(r"man/(\w+\.[1-8])", path)
    inside = PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else path)
    if manual:
        inside = f"man/{manual[1]}.md"
    if inside and files.get_file_from_path(inside):
        return posixpath.relpath(inside, posixpath.dirname(uri) or ".") + anchor
    index = posixpath.join(path, "README.md")
    if files.get_file_from_path(PAGES.get(index, "")):
        return posixpath.relpath(PAGES[index], posixpath.dirname(uri) or ".") + anchor
    if (ROOT / path).exists():
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"{config.extra['repository']}/{kind}/main/{path}{anchor}"
    # MkDocs tells of it.
    return link


# --- manual pages --------------------------------------------------------------------------------


def manual_pages():
    return sorted((ROOT / "man").glob("*.[1-8]"))


def named():
    """Every name of a function or command, and the page that it has."""
    found = {}
    for page in manual_pages():
        section = page.suffix[1:]
        head = page.read_text().split(".Sh LIBRARY")[0].split(".Sh SYNOPSIS")[0]
        for name in re.findall(r"^\.Nm ([\w-]+)", head, re.M):
            found[f"{name}({section})"] = page.name
    return found


NAMED = named()


def as_markdown(page):
    """The page by mandoc, with headings of Markdown, from which it gets a table of contents."""
    text = subprocess.run(
        ["mandoc", "-T", "html", "-O", "fragment,man=%N.%S", str(page)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    text = re.sub(r'<table class="(head|foot)">.*?</table>', "", text, flags=re.S)
    text = re.sub(r'<a class="Xr" href="([^"]*)">(.*?)</a>', cross_reference, text)
    title = f"{page.stem}({page.suffix[1:]})"
    parts = re.split(
        r'<h1 class="Sh" id="([^"]*)"><a class="permalink"[^>]*>(.*?)</a></h1>', text, flags=re.S
    )
    out = [f"# {title}\n"]
    for anchor, heading, body in zip(parts[1::3], parts[2::3], parts[3::3]):
        body = re.sub(r"</?section[^>]*>|</div>\s*$", "", body).strip()
        body = re.sub(
            r'<h2 (class="Ss" id="[^"]*")>(.*?)</h2>', r"<h3 \1>\2</h3>", body, flags=re.S
        )
        heading = " ".join(heading.split())
        out.append(f"## {heading.capitalize()} {{ #{anchor} }}\n")
        out.append(f'<div class="mandoc">\n{no_blank_lines(body)}\n</div>\n')
    return "\n".join(out)


def no_blank_lines(text):
    """An empty line in a <pre> would end the HTML block of Markdown."""
    return re.sub(r"\n[ \t]*(?=\n)", "\n&#8203;", text)


def cross_reference(match):
    name = html.unescape(re.sub(r"<.*?>", "", match[2]))
    if name in NAMED:
        return f'<a class="Xr" href="{NAMED[name]}.html">{match[2]}</a>'
    page, section = re.fullmatch(r"([\w.-]+)\((\d)\w*\)", name).groups()
    return f'<a class="Xr" href="https://man7.org/linux/man-pages/man{section}/{page}.{section}.html">{match[2]}</a>'


def index_of_manuals():
    lines = [
        "# Manual pages\n",
        "`man 7 netns` is the overview; each function has a page in section 3.\n",
    ]
    lines += ["| page | also describes | |", "|---|---|---|"]
    order = {"7": 0, "1": 1, "3": 2}
    for page in sorted(manual_pages(), key=lambda page: (order[page.suffix[1:]], page.stem)):
        what = re.search(r"^\.Nd (.*)$", page.read_text(), re.M)[1]
        others = [
            name[:-3]
            for name, other in NAMED.items()
            if other == page.name and name[:-3] != page.stem
        ]
        also = ", ".join(f"`{name}`" for name in others)
        lines.append(f"| [{page.stem}({page.suffix[1:]})]({page.name}.md) | {also} | {what} |")
    return "\n".join(lines) + "\n"


def definitions(paragraph):
    """The arguments of a Python function, which a docstring has in two columns, as a list."""
    out = ["<dl>"]
    for line in paragraph[1].splitlines():
        argument = re.match(r"(\w+) {2,}(.*)", line)
        out.append(
            f"<dt><code>{argument[1]}</code></dt><dd>{argument[2]}" if argument else line.strip()
        )
    return "\n".join([*out, "</dl>"])


# --- changes to all pages ------------------------------------------------------------------------


def on_page_content(content, page, config, files):
    up = posixpath.relpath(".", posixpath.dirname(page.file.src_uri) or ".")

    def inline(match):
        file = (
            ROOT
            / "docs"
            / posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), match[1]))
        )
        return file.read_text() if file.exists() else match[0]

    def manual(match):
        name = match[1]
        target = NAMED.get(name) or NAMED.get(f"{name.removesuffix('()')}(3)")
        return f'<a href="{up}/man/{target}.html">{match[0]}</a>' if target else match[0]

    # A diagram takes the colours of the page only if it is a part of it.
    if page.file.src_uri == "python/reference.md":
        content = re.sub(r"<p>(\w+ {2,}[^<]*)</p>", definitions, content)
    content = re.sub(r'<img [^>]*src="([^"]*images/[^"]*\.svg)"[^>]*>', inline, content)
    if page.file.src_uri.startswith("man/") and page.file.src_uri != "man/index.md":
        return content
    parts = re.split(
        r"(<a\b.*?</a>|<pre\b.*?</pre>|<h\d\b.*?</h\d>|<svg\b.*?</svg>)", content, flags=re.S
    )
    for at in range(0, len(parts), 2):
        parts[at] = re.sub(
            r"<code>((?:set_)?netns_\w+(?:\(\)|\(3\))?|netns\([17]\))</code>|\b(?<![/\w.-])(netns\([17]\)|netns_\w+\(3\))",
            lambda m: manual([m[0], m[1] or m[2]]),
            parts[at],
        )
    return "".join(parts)
