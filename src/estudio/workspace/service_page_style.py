"""What the pages of web services add to the style of all pages: forms, tabs, code."""

SERVICE_STYLE = """
:root{--good:#1a7f4b;--bad:#b42318;--badground:#fef3f2;--press:#1f5fbf;--code:#f0f3f8}
@media (prefers-color-scheme:dark){:root{
--good:#5fd39a;--bad:#ff9a8f;--badground:#33191a;--press:#8ab8ff;--code:#161c26}}
.service{max-width:66rem}
.service header nav{font-size:.9rem;margin-bottom:.5rem}
.service header nav span{color:var(--faint)}
a{color:var(--press)}
.lead{color:var(--faint);margin:.35rem 0 1rem;max-width:46rem;overflow-wrap:anywhere}
.links{display:flex;flex-wrap:wrap;gap:.4rem 1.25rem;margin:.9rem 0 0;padding:0;list-style:none}
.chip{display:inline-block;padding:.05rem .5rem;border:1px solid var(--line);border-radius:1rem;font-size:.8rem;
font-weight:normal;color:var(--faint);vertical-align:middle}
.chip.now{color:var(--good);border-color:currentcolor}
:focus-visible{outline:2px solid var(--press);outline-offset:2px;border-radius:.2rem}
button,input,select,textarea{font:inherit;color:inherit}
button{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.35rem .8rem;cursor:pointer;
min-height:2rem}
button:hover:not(:disabled){border-color:var(--press);color:var(--press)}
button:disabled{opacity:.45;cursor:default}
button.main{background:var(--press);border-color:var(--press);color:var(--ground);font-weight:600;padding:.5rem 1.6rem}
button.main:hover:not(:disabled){color:var(--ground);filter:brightness(1.1)}
button.quiet{border-color:transparent;background:none;padding:.1rem .55rem}
button.link{border:0;background:none;padding:0;min-height:0;color:inherit;text-decoration:underline;text-align:left}
button[aria-pressed=true],[role=tab][aria-selected=true]{border-color:var(--press);color:var(--press);
box-shadow:inset 0 -2px var(--press)}
input,select,textarea{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.35rem .6rem;
width:100%;min-height:2.1rem}
textarea{font-family:ui-monospace,monospace;font-size:.85rem;resize:vertical}
[aria-invalid=true]{border-color:var(--bad);box-shadow:0 0 0 1px var(--bad)}
.wrong{display:block;color:var(--bad);font-size:.85rem;margin-top:.2rem;white-space:normal}
.fields{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:.9rem}
.field label,.key label{display:block;margin-bottom:.2rem;overflow-wrap:anywhere}
.panel{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem 1.1rem;margin-bottom:1rem}
legend{padding:0 .4rem;font-weight:600}
.panel>h2:first-child,.panel>h3:first-child{margin-top:0}
.panel .scroll{margin-bottom:.75rem}
.bar-of{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:0 0 .9rem}
.bar-of .counter{color:var(--faint);font-size:.9rem;margin-left:auto}
.grid td{padding:.15rem .3rem}
.grid input,.grid select{min-width:7rem;border-radius:.25rem}
.key{max-width:34rem}
.hint,.csv-words{color:var(--faint);font-size:.85rem;margin:.3rem 0 0}
details{margin-top:.9rem}
summary{cursor:pointer;color:var(--press)}
details[open]>summary{margin-bottom:.5rem}
.send{display:flex;flex-wrap:wrap;align-items:center;gap:1rem;margin:1.2rem 0}
#status{margin:0}
#status.good{color:var(--good)}
#status.bad{color:var(--bad)}
#status.busy{color:var(--faint)}
.problem{background:var(--badground);border:1px solid var(--bad);border-radius:.5rem;padding:1rem 1.1rem}
.problem h3{color:var(--bad);margin-top:0}
.problem li{margin:.25rem 0}
.copyable{position:relative;margin:0 0 .75rem}
.copyable pre,details>pre{background:var(--code);font:.85rem/1.5 ui-monospace,monospace;white-space:pre;overflow:auto;
max-height:32rem}
.copyable button{position:absolute;top:.4rem;right:.4rem;font-size:.8rem;min-height:1.6rem;padding:.1rem .6rem}
dl .copyable.line{display:block;margin:0 0 .5rem;padding-right:5.5rem}
.copyable.line pre{padding:.45rem .75rem;overflow-x:auto;white-space:pre}
.copyable.line button{right:0}
[role=tablist]:not([hidden])~[role=tabpanel]>h3{display:none}
[role=tablist]{display:flex;flex-wrap:wrap;gap:.4rem;margin-bottom:.6rem}
.address{display:grid;grid-template-columns:9rem 1fr;gap:0 1rem;align-items:start}
.address dt{padding-top:.45rem}
.address dd{text-align:left;min-width:0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.75rem;margin:0;padding:0}
.figures div{display:block;background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .9rem}
.figures dd{text-align:left;font-size:1.25rem}
.plain{width:100%}
.plain th,.plain td{padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);text-align:left;
vertical-align:top;overflow-wrap:anywhere}
.plain code,code{font:.9em ui-monospace,monospace}
.method{font:600 .85rem ui-monospace,monospace;color:var(--good);margin-right:.5rem}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
ul.services{list-style:none;padding:0;margin:1.25rem 0;display:grid;gap:1rem}
ul.services h2{margin:0 0 .25rem}
fieldset{min-width:0}
@media (max-width:40rem){body{padding:1rem}.address{grid-template-columns:1fr}}
"""
