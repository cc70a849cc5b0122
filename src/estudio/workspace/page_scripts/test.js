"use strict";
// The form of a service's test page: rows as fields or as a grid, one call, its answer or what is wrong where.
// All text enters as text, never as HTML; the key stays in this tab's sessionStorage.
(() => {
  const page = JSON.parse(document.getElementById("page").textContent);
  const KEY = "estudio-key:" + location.pathname.split("/").slice(0, 3).join("/");
  const MAX_SHOWN_ROWS = 1000;
  const MAX_GRID_ROWS = 500;
  const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
  const byId = (id) => document.getElementById(id);
  const status = byId("status");

  const make = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element && name !== "list") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  const cellText = (value) => value === null || value === undefined ? ""
    : typeof value === "object" ? JSON.stringify(value) : String(value);

  const typed = (text, kind) => {
    if (text === "") return null;
    if (kind === "number" && NUMBER.test(text.trim())) {
      const number = Number(text);
      return Number.isInteger(number) && !Number.isSafeInteger(number) ? text.trim() : number;
    }
    if (kind === "boolean" && /^(true|false)$/i.test(text.trim())) return text.trim().toLowerCase() === "true";
    if (kind === "list") { try { return JSON.parse(text); } catch { return text; } }
    return text;
  };

  const field = (kind, text, label, choices) => {
    if (kind === "boolean" || choices) {
      const options = choices || ["true", "false"];
      const select = make("select", { ariaLabel: label }, make("option", { value: "", textContent: "–" }));
      for (const option of options) select.append(make("option", { value: option, textContent: option }));
      select.value = options.includes(text) ? text : "";
      return select;
    }
    const input = make("input", { type: "text", value: text, ariaLabel: label, autocomplete: "off", spellcheck: false });
    if (kind === "number") input.inputMode = "decimal";
    return input;
  };

  // ---- one input: its rows of texts are the only state; both views are drawn from it. Rows count from 0, as in problems
  class InputTable {
    constructor(port) {
      this.port = port;
      this.root = byId("input-" + port.name);
      this.rows = port.rows.length ? port.rows.map((row) => row.map(cellText)) : [port.columns.map(() => "")];
      this.grid = false;
      this.current = 0;
      this.body = this.root.querySelector(".rows");
      this.counter = this.root.querySelector(".counter");
      this.root.querySelector(".as-fields").addEventListener("click", () => this.show(false));
      this.root.querySelector(".as-grid").addEventListener("click", () => this.show(true));
      this.root.querySelector(".take-csv").addEventListener("click", () => this.takeCsv());
      this.show(false);
    }

    show(grid) {
      this.grid = grid;
      this.root.querySelector(".as-fields").setAttribute("aria-pressed", String(!grid));
      this.root.querySelector(".as-grid").setAttribute("aria-pressed", String(grid));
      this.draw();
    }

    draw() {
      this.body.replaceChildren(grid_or_fields(this));
      const count = this.rows.length;
      this.counter.textContent = this.grid ? `${count} ${count === 1 ? "row is" : "rows are"} sent`
        : count === 1 ? "1 row is sent" : `only the first of ${count} rows is sent`;
    }

    cell(row, place) {
      const column = this.port.columns[place];
      const input = field(column.kind, this.rows[row][place], `${column.name}, row ${row}`);
      input.id = `${this.port.name}-${row}-${place}`;
      input.addEventListener("input", () => {
        this.rows[row][place] = input.value;
        clearMark(input);
      });
      return input;
    }

    sent() {
      const rows = this.grid ? this.rows : this.rows.slice(0, 1);
      return { columns: this.port.columns.map((column) => column.name),
               data: rows.map((row) => row.map((text, place) => typed(text, this.port.columns[place].kind))) };
    }

    takeCsv() {
      const area = this.root.querySelector(".csv");
      const words = this.root.querySelector(".csv-words");
      const read = parseCsv(area.value);
      if (!read.length) { words.textContent = "There is nothing to take."; return; }
      const names = this.port.columns.map((column) => column.name);
      const places = names.map((name) => read[0].indexOf(name));
      const missing = names.filter((_, place) => places[place] < 0);
      if (missing.length) { words.textContent = `The first line has to name the columns; it lacks ${missing.join(", ")}.`; return; }
      const rows = read.slice(1, 1 + MAX_GRID_ROWS).map((row) => places.map((place) => row[place] ?? ""));
      this.rows = rows.length ? rows : [names.map(() => "")];
      const more = read.length - 1 - MAX_GRID_ROWS;
      words.textContent = more > 0 ? `The first ${MAX_GRID_ROWS} rows were taken; make a job for more.` : `${rows.length} rows were taken.`;
      this.show(true);
    }
  }

  const grid_or_fields = (input) => input.grid ? grid(input) : fields(input);

  const fields = (input) => {
    const box = make("div", { className: "fields" });
    for (const [place, column] of input.port.columns.entries()) {
      const cell = input.cell(0, place);
      cell.removeAttribute("aria-label");
      box.append(make("div", { className: "field" },
        make("label", { htmlFor: cell.id }, column.name, " ", make("small", { textContent: column.words })), cell));
    }
    return box;
  };

  const grid = (input) => {
    const head = make("tr", {}, make("th", { scope: "col", textContent: "#" }));
    for (const column of input.port.columns) {
      head.append(make("th", { scope: "col" }, column.name, make("br"), make("small", { textContent: column.words })));
    }
    head.append(make("th", {}, make("span", { className: "unseen", textContent: "Remove" })));
    const body = make("tbody");
    for (const row of input.rows.keys()) {
      const line = make("tr", {}, make("th", { scope: "row", textContent: String(row) }));
      for (const place of input.port.columns.keys()) line.append(make("td", {}, input.cell(row, place)));
      const remove = make("button", { type: "button", className: "quiet", textContent: "×", ariaLabel: `Remove row ${row}`, disabled: input.rows.length === 1 });
      remove.addEventListener("click", () => { input.rows.splice(row, 1); input.draw(); });
      line.append(make("td", {}, remove));
      body.append(line);
    }
    const add = make("button", { type: "button", textContent: "Add a row", disabled: input.rows.length >= MAX_GRID_ROWS });
    add.addEventListener("click", () => {
      input.rows.push(input.port.columns.map(() => ""));
      input.draw();
      byId(`${input.port.name}-${input.rows.length - 1}-0`)?.focus();
    });
    const table = make("table", { className: "grid" }, make("thead", {}, head), body);
    return make("div", {}, make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `Rows of ${input.port.name}` }, table), add);
  };

  // RFC 4180, with any line end
  const parseCsv = (text) => {
    const rows = [];
    let row = [], cell = "", quoted = false, begun = false;
    const endCell = () => { row.push(cell); cell = ""; begun = false; };
    const endRow = () => { if (row.length || cell !== "" || begun) { endCell(); rows.push(row); row = []; } };
    for (let place = 0; place < text.length; place += 1) {
      const char = text[place];
      if (quoted) {
        if (char !== '"') cell += char;
        else if (text[place + 1] === '"') { cell += '"'; place += 1; }
        else quoted = false;
      } else if (char === '"' && cell === "") { quoted = true; begun = true; }
      else if (char === ",") { endCell(); begun = true; }
      else if (char === "\n") endRow();
      else if (char !== "\r") cell += char;
    }
    endRow();
    return rows;
  };

  // ---- parameters
  const parameters = page.parameters.map((parameter) => {
    const input = field(parameter.kind, "", parameter.name, parameter.choices);
    input.id = "parameter-" + parameter.name;
    input.removeAttribute("aria-label");
    if (parameter.default !== null) {
      if (input.tagName === "INPUT") input.placeholder = cellText(parameter.default);
      else input.options[0].textContent = `${cellText(parameter.default)} (unless given)`;
    } else if (parameter.required) {
      input.required = true;
      if (parameter.example !== null) input.value = cellText(parameter.example);
    }
    input.setAttribute("aria-describedby", "about-" + parameter.name);
    input.addEventListener("input", () => clearMark(input));
    byId("place-" + parameter.name).replaceWith(input);
    return { ...parameter, input };
  });

  // ---- marks at fields
  const clearMark = (input) => {
    input.removeAttribute("aria-invalid");
    const words = byId(input.id + "-wrong");
    if (words) { words.remove(); input.removeAttribute("aria-errormessage"); }
  };

  const mark = (input, words) => {
    clearMark(input);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-errormessage", input.id + "-wrong");
    input.after(make("span", { id: input.id + "-wrong", className: "wrong", textContent: words }));
  };

  const placeOf = (problem) => {
    const parameter = parameters.find((each) => each.name === problem.input && problem.pointer?.startsWith("/parameters"));
    if (parameter) return parameter.input;
    const table = tables.find((each) => each.port.name === problem.input);
    if (!table || problem.column === undefined) return null;
    const place = table.port.columns.findIndex((column) => column.name === problem.column);
    return place < 0 ? null : byId(`${table.port.name}-${problem.row ?? 0}-${place}`);
  };

  // ---- answers
  const answer = byId("answer");
  const say = (words, tone) => { status.textContent = words; status.className = tone; };

  const answerTable = (name, table) => {
    const rows = table?.data ?? [];
    const names = table?.columns ?? [];
    const head = make("tr", {}, make("th", { scope: "col", textContent: "#" }));
    for (const column of names) head.append(make("th", { scope: "col", textContent: column }));
    const body = make("tbody");
    for (const [place, row] of rows.slice(0, MAX_SHOWN_ROWS).entries()) {
      const line = make("tr", {}, make("th", { scope: "row", textContent: String(place) }));
      for (const value of row) {
        line.append(value === null || value === undefined ? make("td", { className: "none", textContent: "missing" })
          : make("td", {}, make("bdi", { textContent: cellText(value) })));
      }
      body.append(line);
    }
    const more = rows.length > MAX_SHOWN_ROWS ? `, of which the first ${MAX_SHOWN_ROWS} are shown` : "";
    return make("section", {}, make("h3", { textContent: name }),
      make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `Rows of ${name}` },
        make("table", {}, make("thead", {}, head), body)),
      make("p", { textContent: `${rows.length} ${rows.length === 1 ? "row" : "rows"}${more}` }));
  };

  const showPictures = (visualizations) => Object.entries(visualizations ?? {}).map(([module, shown]) => {
    const box = make("section", {}, make("h3", { textContent: `What ${module} printed and drew` }));
    if (shown.text) box.append(make("pre", { textContent: shown.text }));
    for (const image of shown.images ?? []) {
      box.append(make("figure", {}, make("img", { alt: image.name, src: "data:image/png;base64," + image.png }),
        make("figcaption", { textContent: image.name })));
    }
    return box;
  });

  const raw = (text) => make("details", {}, make("summary", { textContent: "The answer as it came" }), make("pre", { textContent: text }));

  const showAnswer = (read, text) => {
    const found = Object.entries(read.outputs ?? {}).map(([name, table]) => answerTable(name, table));
    answer.replaceChildren(...found, ...showPictures(read.visualizations), raw(text));
  };

  const showProblem = (read, text) => {
    const box = make("section", { className: "problem" }, make("h3", { textContent: read.title ?? "The call failed" }),
      make("p", { textContent: read.detail ?? "" }));
    if (read.module) box.append(make("p", { textContent: `Module ${read.module}${read.line ? `, line ${read.line}` : ""}` }));
    let first = null;
    if (read.errors?.length) {
      const list = make("ul");
      for (const problem of read.errors) {
        const input = placeOf(problem);
        const item = make("li", {});
        if (input) {
          mark(input, problem.detail);
          first ??= input;
          const link = make("button", { type: "button", className: "link", textContent: problem.detail });
          link.addEventListener("click", () => input.focus());
          item.append(link);
        } else {
          item.textContent = problem.detail;
        }
        list.append(item);
      }
      box.append(list);
    }
    if (read.traceback) box.append(make("pre", { textContent: read.traceback }));
    answer.replaceChildren(box, raw(text));
    return first;
  };

  // ---- the call
  const tables = page.inputs.map((port) => new InputTable(port));
  const form = byId("call");
  const key = byId("key");
  const button = byId("send");
  key.value = sessionStorage.getItem(KEY) ?? "";

  const bodyOf = () => {
    const body = { inputs: Object.fromEntries(tables.map((table) => [table.port.name, table.sent()])) };
    const given = parameters.map((each) => [each.name, typed(each.input.value, each.kind)]).filter(([, value]) => value !== null);
    if (given.length) body.parameters = Object.fromEntries(given);
    return body;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const input of form.querySelectorAll("[aria-invalid]")) clearMark(input);
    sessionStorage.setItem(KEY, key.value);
    button.disabled = true;
    say("Calling …", "busy");
    const began = performance.now();
    try {
      const response = await fetch(page.address, {
        method: "POST",
        headers: { Authorization: "Bearer " + key.value.trim(), "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(bodyOf()),
      });
      const text = await response.text();
      const took = `${Math.round(performance.now() - began).toLocaleString("en")} ms`;
      let read;
      try { read = JSON.parse(text); } catch { read = {}; }
      if (response.ok) {
        showAnswer(read, text);
        const version = response.headers.get("X-Service-Version");
        say(`Answered${version ? ` by version ${version}` : ""} in ${took}.`, "good");
      } else {
        const first = showProblem(read, text);
        say(`Refused with status ${response.status} after ${took}: ${read.title ?? response.statusText}`, "bad");
        if (response.status === 401) { mark(key, "The key is not one of this service."); key.focus(); }
        else if (first) first.focus();
      }
    } catch (error) {
      answer.replaceChildren();
      say(`The server cannot be reached: ${error.message}.`, "bad");
    }
    button.disabled = false;
  });

  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.hidden = false;
  say(key.value ? "Ready." : "Paste a key of the service, then call it.", "");
})();
