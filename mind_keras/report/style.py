"""How a page looks: dark on white, on a desk, on a phone and on paper."""

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  margin: 0 auto; max-width: 80em; padding: 1em 1.2em 4em; color: #1a1a1a;
  background: #fff; overflow-wrap: break-word; }
h1 { font-size: 1.6em; line-height: 1.2; margin: .2em 0; }
h2 { font-size: 1.25em; margin: 2em 0 .4em; border-top: 2px solid #1a1a1a;
  padding-top: .5em; }
h3 { font-size: 1.05em; margin: 1.4em 0 .3em; }
#headline .ci { display: block; }
#headline ul { margin: .3em 0; padding-left: 1.2em; }
#headline h2 { border: 0; margin: .4em 0 .2em; padding: 0; }
p { margin: .4em 0; max-width: 60em; }
a { color: #0b4f8a; }
.note, figcaption { color: #444; font-size: .9em; }
nav { margin: 1em 0; font-size: .9em; }
nav a { margin-right: .9em; white-space: nowrap; display: inline-block;
  padding: .15em 0; }
.scroll { overflow-x: auto; margin: .5em 0 1em; background:
    linear-gradient(to left, #fff 40%, #fff0) right / 3em 100% no-repeat local,
    linear-gradient(to left, #0003, #0000) right / .8em 100% no-repeat scroll; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .22em .8em .22em 0; border-bottom: 1px solid #ddd;
  text-align: left; vertical-align: top; white-space: nowrap; }
thead th { border-bottom: 1.5px solid #1a1a1a; vertical-align: bottom;
  white-space: normal; min-width: 4.5em; }
tbody th { font-weight: 500; position: sticky; left: 0; background: #fff;
  white-space: normal; min-width: 6em; max-width: 22em; }
td.long { white-space: normal; min-width: 16em; max-width: 30em; }
.ci { color: #444; font-size: .92em; white-space: nowrap; }
figure { margin: 1em 0; }
.panels { display: flex; flex-wrap: wrap; gap: .4em 1.2em; }
.panel { flex: 0 1 auto; max-width: 100%; }
.panel p { font-weight: 600; margin: 0; max-width: 24em; }
.key { display: flex; flex-wrap: wrap; gap: .1em 1.1em; list-style: none;
  padding: 0; margin: .4em 0; font-size: .9em; }
.key svg { vertical-align: middle; margin-right: .35em; }
svg.plot { max-width: 100%; height: auto; display: block; }
svg.plot * { stroke-linejoin: round; stroke-linecap: butt; }
svg.bars { width: 13em; height: auto; vertical-align: middle; }
details { margin: .4em 0 1em; }
summary { cursor: pointer; color: #0b4f8a; padding: .2em 0; }
pre { white-space: pre-wrap; background: #f5f5f5; padding: .8em; font-size: .85em; }
@media (max-width: 40em) {
  body { font-size: 14px; padding: .5em .8em 3em; }
  h1 { font-size: 1.25em; }
  #headline li { line-height: 1.35; }
  #headline table { font-size: .93em; line-height: 1.3; }
  th, td { padding-right: .6em; }
  tbody th { min-width: 5.2em; max-width: 10em; }
}
@media print {
  body { font-size: 9.5pt; margin: 0; max-width: none; padding: 0; }
  @page { margin: 14mm; }
  nav { display: none; }
  .scroll { overflow: visible; background: none; }
  th, td { white-space: normal; padding-right: .5em; }
  tbody th { position: static; }
  #headline table { font-size: 8pt; }
  tr, .panel { break-inside: avoid; }
  h2, h3, .note { break-after: avoid; }
  * { print-color-adjust: exact; }
}
"""
