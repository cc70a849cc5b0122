"""The style sheet of the pages, inline in each: light and dark by what the reader's system prefers."""

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--faint:#667085;--line:#d8dee8;--card:#fff;--ground:#f5f7fa;
--bar:#3b7dd8;--mark:#d9480f}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--faint:#98a2b3;--line:#344054;--card:#1b222d;--ground:#12171f;
--bar:#5b9bf3;--mark:#ff8a4c}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:90rem;background:var(--ground);color:var(--ink);
font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2rem 0 .75rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:0 0 .75rem;overflow-wrap:anywhere}
header p,small,dt,.axis,figcaption,section>p,.none{color:var(--faint)}
header p{margin:.25rem 0 0}
small{font-weight:normal}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1rem}
article,.plot,.scroll,figure,pre{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem}
article{display:flex;flex-direction:column}
svg{display:block;width:100%;overflow:visible}
.histogram{height:5rem;border-bottom:1px solid var(--line)}
.boxplot{height:1.4rem;margin-top:.35rem}
.share{height:.5rem;min-width:4rem}
.reach{fill:transparent}
.bar{fill:var(--bar)}
g:hover>.bar{fill:var(--mark)}
.boxplot line{stroke:var(--ink);vector-effect:non-scaling-stroke}
.boxplot .median{stroke:var(--mark);stroke-width:2}
.box{fill:var(--bar);fill-opacity:.35;stroke:var(--bar);vector-effect:non-scaling-stroke}
.dot{stroke:var(--bar);stroke-opacity:.6;stroke-width:4;stroke-linecap:round;vector-effect:non-scaling-stroke}
.axis{display:flex;justify-content:space-between;gap:1rem;font-size:.8rem;font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:1fr 1fr;gap:.15rem 1.25rem;margin:auto 0 0;padding-top:.75rem}
.wide{grid-template-columns:1fr}
dl div{display:flex;justify-content:space-between;gap:.5rem;min-width:0}
dd{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.top{width:100%;font-size:.9rem;table-layout:fixed}
.top td{padding:.1rem .35rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.top td:nth-child(2){width:30%}
.top td:last-child{text-align:right;width:6.5rem}
.top tr:hover td{white-space:normal;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
.scroll th,.scroll td{padding:.3rem .75rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
.plot{display:flex;gap:.75rem;max-width:48rem}
.plot>div:last-child{flex:1;min-width:0}
.scatter{aspect-ratio:320/220;border-left:1px solid var(--line);border-bottom:1px solid var(--line)}
.up{flex-direction:column;text-align:right;padding-bottom:1.2rem}
figure{margin:0 0 1rem;width:fit-content;max-width:100%}
img{max-width:100%;height:auto;background:#fff}
pre{overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
"""
