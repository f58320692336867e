// Lists that sort, filter and search, the search for a product, and its view. Numbers come from side files (page/*.js),
// which call shelfcast(name, content) when the browser has read them.
(function () {
  "use strict";
  var texts = JSON.parse(document.getElementById("texts").textContent);
  var facts = JSON.parse(document.getElementById("facts").textContent);
  var language = { en: "en-GB" }[document.documentElement.lang] || document.documentElement.lang; // 1 Jan 2018, as on the page
  var number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  var exact = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  var money = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  var day = new Intl.DateTimeFormat(language, { year: "numeric", month: "short", day: "numeric" });
  var PAGE = 20;
  var waiting = {}, loaded = {};

  window.shelfcast = function (name, content) {
    loaded[name] = content;
    (waiting[name] || []).forEach(function (use) { use(content); });
    delete waiting[name];
  };
  function load(name, use, failed) {
    if (loaded[name]) { use(loaded[name]); return; }
    if (waiting[name]) { waiting[name].push(use); return; }
    waiting[name] = [use];
    var script = document.createElement("script");
    script.src = "page/" + name + ".js";
    script.onerror = function () { delete waiting[name]; if (failed) failed(); };
    document.head.appendChild(script);
  }
  function t(key) { return texts[key] || key.replace(/^.*\./, "").replace(/_/g, " "); }
  function make(tag, attributes, children) {
    var node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) {
      if (name === "text") node.textContent = attributes[name];
      else if (name.slice(0, 2) === "on") node.addEventListener(name.slice(2), attributes[name]);
      else node.setAttribute(name, attributes[name]);
    });
    (children || []).forEach(function (child) { if (child) node.appendChild(child); });
    return node;
  }
  function shownDay(text) { return day.format(new Date(text + "T12:00:00")); }
  function shown(value, kind) {
    if (value === null || value === undefined || value === "") return "\u2013";
    if (kind === "money") return money.format(value);
    if (kind === "number") return number.format(value);
    if (kind === "date") return shownDay(value);
    return String(value);
  }
  function plain(text) { return String(text).normalize("NFKC").toLowerCase(); }

  // A table's columns as they come: text as distinct values and codes, numbers as they are.
  function read(content) {
    var columns = {};
    content.columns.forEach(function (column) {
      column.of = column.codes
        ? function (row) { var code = column.codes[row]; return code < 0 ? null : column.values[code]; }
        : function (row) { return column.numbers[row]; };
      columns[column.name] = column;
    });
    return columns;
  }
  // One lower-case text a row, made once: searching 30,000 of them takes some milliseconds.
  function searchable(columns, count) {
    var parts = ["product", "product_name", "sku_id", "department", "category", "place", "source", "rule", "alert_type", "promotion", "order_id"]
      .map(function (name) { return columns[name]; }).filter(Boolean)
      .map(function (column) {
        return column.codes ? { codes: column.codes, low: column.values.map(plain) } : null;
      }).filter(Boolean);
    var rows = new Array(count);
    for (var row = 0; row < count; row++) {
      var text = "";
      for (var k = 0; k < parts.length; k++) {
        var code = parts[k].codes[row];
        if (code >= 0) text += parts[k].low[code] + "\n";
      }
      rows[row] = text;
    }
    return rows;
  }
  function matching(rows, words) {
    var found = [];
    for (var row = 0; row < rows.length; row++) {
      var all = true;
      for (var k = 0; k < words.length && all; k++) all = rows[row].indexOf(words[k]) >= 0;
      if (all) found.push(row);
    }
    return found;
  }
  function wordsOf(text) { return plain(text).split(/\s+/).filter(Boolean); }

  var SHOWN = {
    orders: ["product", "place", "source", "order_on", "order_qty", "order_value", "stockout_on", "explanation"],
    transfers: ["product", "source", "place", "ship_on", "qty", "net_gain_amount", "explanation"],
    allocation: ["product", "source", "place", "requested_qty", "allocated_qty", "short_qty", "explanation"],
    available_to_promise: ["product", "pool", "promised_for", "promise_01pct_qty", "promise_05pct_qty", "promise_10pct_qty", "explanation"],
    order_sourcing: ["order_id", "product", "place", "sourced_qty", "short_qty", "landed_cost_amount", "explanation"],
    promotions: ["promotion", "product", "place", "starts_on", "ends_on", "without_qty", "with_qty", "uplift_qty"],
    alerts: ["alert_type", "severity", "product", "place", "money_at_risk", "explanation"],
    slow_movers: ["product", "place", "rule", "on_hand_qty", "at_risk_qty", "money_at_risk", "explanation"],
    count_list: ["count_rank", "product", "place", "rule", "on_hand_qty", "doubted_qty", "money_at_risk"]
  };
  var CODED = ["alert_type", "severity", "rule", "pool"];
  // The sentence of a line, as words.sentence in Python makes it.
  function sentence(name, of, kinds) {
    var kind = of("alert_type") || of("rule");
    var text = texts["why." + name + "." + kind] || texts["why." + name];
    function filled(part) {
      return part.replace(/\{(\w+)\}/g, function (_, column) {
        var value = of(column);
        return typeof value === "number" ? exact.format(value) : shown(value, kinds(column));
      });
    }
    return filled(text.replace(/\[(.*?)\]/g, function (_, part) {
      return part.match(/\w+(?=\})/g).every(of) ? filled(part) : "";
    }));
  }
  function why(name, columns, row) {
    var withheld = columns.withheld_reason && columns.withheld_reason.of(row);
    if (withheld) return t("column.withheld_reason") + ": " + named("withheld_reason", withheld);
    return sentence(name, function (column) { return columns[column] && columns[column].of(row); },
      function (column) { return columns[column] ? columns[column].kind : "text"; }) + reasons(name === "orders" && columns.reason_codes && columns.reason_codes.of(row));
  }
  // a code in the page's language
  function named(column, value) {
    var text = texts["value." + column + "." + value];
    return text === undefined ? column === "withheld_reason" ? value : String(value).replace(/_/g, " ") : text;
  }
  // what made the order another quantity than what is short
  function reasons(codes) {
    var said = String(codes || "").split(/[,; ]+/).filter(Boolean).map(function (code) {
      var text = texts["reason." + code];
      return text === undefined ? code.replace(/_/g, " ") : text; // "" is of no interest to a planner
    }).filter(Boolean);
    return said.length ? "; " + said.join(", ") : "";
  }

  function showList(name, panel) {
    panel.textContent = "";
    load("list-" + name, function (content) { build(name, panel, content); }, function () {
      panel.appendChild(make("p", { "class": "absent", text: t("list.failed") }));
    });
  }
  function build(name, panel, content) {
    var columns = read(content), rows = searchable(columns, content.rows);
    var state = { words: [], chosen: {}, by: null, down: true, count: PAGE };
    var names = SHOWN[name].filter(function (key) { return key === "explanation" || columns[key]; });
    var body = make("tbody", {}), status = make("p", { "class": "hint", role: "status" });
    var more = make("button", { type: "button", text: t("list.more"), onclick: function () { state.count += PAGE; draw(); } });
    var search = make("input", { type: "search", id: "search-" + name, autocomplete: "off" });
    var late;
    search.addEventListener("input", function () {
      clearTimeout(late);
      late = setTimeout(function () { state.words = wordsOf(search.value); state.count = PAGE; draw(); }, 80);
    });
    var selects = content.filters.filter(function (key) { return columns[key] && columns[key].values.length > 1; })
      .map(function (key) {
        var column = columns[key];
        var select = make("select", { id: "filter-" + name + "-" + key }, [make("option", { value: "", text: t("list.all") })]
          .concat(column.values.map(function (value, code) { return make("option", { value: String(code), text: CODED.indexOf(key) >= 0 ? named(key, value) : value }); })));
        select.addEventListener("change", function () {
          if (select.value === "") delete state.chosen[key]; else state.chosen[key] = Number(select.value);
          state.count = PAGE;
          draw();
        });
        return make("label", { "for": select.id, text: t("column." + key) }, [select]);
      });
    var heads = names.map(function (key) {
      var kind = key === "explanation" ? "text" : columns[key].kind;
      var head = make("th", { scope: "col" });
      if (kind !== "text" && kind !== "date") head.className = "n";
      if (key === "explanation") { head.textContent = t("column." + key); return head; }
      head.appendChild(make("button", { type: "button", "class": "sort", text: t("column." + key), onclick: function () {
        state.down = state.by === key ? !state.down : kind !== "text";
        state.by = key;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
        draw();
      } }));
      return head;
    });
    function chosenRows() {
      var found = matching(rows, state.words);
      Object.keys(state.chosen).forEach(function (key) {
        found = found.filter(function (row) { return columns[key].codes[row] === state.chosen[key]; });
      });
      if (state.by) {
        // the values of a text are sorted already: their codes compare like them
        var values = columns[state.by].codes || columns[state.by].numbers, sign = state.down ? -1 : 1;
        found.sort(function (a, b) {
          var x = values[a], y = values[b];
          if (x === null || x === -1) return y === null || y === -1 ? a - b : 1;
          if (y === null || y === -1) return -1;
          return x === y ? a - b : x < y ? -sign : sign;
        });
      }
      return found;
    }
    function cell(key, row) {
      if (key === "explanation") return make("td", { "class": "why", "data-label": t("column.why"), text: why(name, columns, row) });
      var column = columns[key], value = column.of(row);
      if (key === "product") {
        var sku = columns.sku_id.of(row);
        return make("th", { scope: "row" }, [
          make("button", { type: "button", "class": "open", text: value || sku, onclick: function () { openProduct(sku, this); } }),
          make("small", { text: sku + (columns.department && columns.department.of(row) ? " \u00b7 " + columns.department.of(row) : "") })
        ]);
      }
      var isNumber = column.kind === "money" || column.kind === "number";
      return make("td", { "class": isNumber ? "n" : column.kind === "date" ? "nowrap" : "", "data-label": t("column." + key),
                          text: CODED.indexOf(key) >= 0 ? named(key, value) : shown(value, column.kind) });
    }
    function draw() {
      var found = chosenRows(), part = found.slice(0, state.count);
      body.textContent = "";
      part.forEach(function (row) {
        body.appendChild(make("tr", {}, names.map(function (key) { return cell(key, row); })));
      });
      status.textContent = number.format(found.length) + " " + t("list.of") + " " + number.format(content.rows) + " " + t("list.lines");
      more.hidden = found.length <= state.count;
    }
    function save() {
      var all = content.columns.map(function (column) { return column.name; });
      var lines = [all.join(",")].concat(chosenRows().map(function (row) {
        return all.map(function (key) { return field(columns[key].of(row), columns[key].kind); }).join(",");
      }));
      var link = make("a", { href: URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], { type: "text/csv" })),
                             download: name + ".csv" });
      document.body.appendChild(link);
      link.click();
      link.remove();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
    }
    panel.textContent = "";
    panel.appendChild(make("div", { "class": "filters" }, [make("label", { "for": search.id, text: t("list.search") }, [search])]
      .concat(selects, [
        make("button", { type: "button", text: t("list.reset"), onclick: function () {
          state = { words: [], chosen: {}, by: null, down: true, count: PAGE };
          search.value = "";
          panel.querySelectorAll("select").forEach(function (select) { select.value = ""; });
          heads.forEach(function (head) { head.removeAttribute("aria-sort"); });
          draw();
        } }),
        make("button", { type: "button", "class": "save", text: t("list.save"), onclick: save })
      ])));
    panel.appendChild(status);
    panel.appendChild(make("table", { "class": "lines", "aria-label": t("list." + name) }, [
      make("thead", {}, [make("tr", {}, heads)]), body
    ]));
    panel.appendChild(more);
    draw();
  }
  // What a spreadsheet would run as a formula gets an apostrophe, as in the published CSV files.
  function field(value, kind) {
    if (value === null || value === undefined) return "";
    var text = String(value);
    if (kind === "text" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  // ---- tabs
  var tabs = Array.prototype.slice.call(document.querySelectorAll("[role=tab]"));
  function choose(tab) {
    tabs.forEach(function (other) {
      var is = other === tab;
      other.setAttribute("aria-selected", String(is));
      other.tabIndex = is ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !is;
    });
    var panel = document.getElementById(tab.getAttribute("aria-controls"));
    var place = panel.querySelector(".table");
    if (!place.hasChildNodes()) showList(tab.getAttribute("data-list"), place);
  }
  tabs.forEach(function (tab, position) {
    tab.addEventListener("click", function () { choose(tab); });
    tab.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      var next = tabs[(position + step + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  });

  // ---- products
  var products = null;
  function withProducts(use) {
    load("products", function (content) {
      if (!products) {
        var columns = read(content);
        products = { content: content, columns: columns, rows: searchable(columns, content.rows), of: {} };
        for (var row = 0; row < content.rows; row++) products.of[columns.sku_id.of(row)] = row;
      }
      use(products);
    });
  }
  var find = document.getElementById("find"), results = document.getElementById("find-results");
  function search() {
    var words = wordsOf(find.value);
    if (find.value.trim().length < 2) { results.textContent = ""; return; }
    withProducts(function (known) {
      var found = matching(known.rows, words);
      results.textContent = "";
      results.appendChild(make("p", { "class": "hint", role: "status", text: found.length
        ? number.format(found.length) + " " + t("find.results") : t("find.none") }));
      results.appendChild(make("ul", {}, found.slice(0, 20).map(function (row) {
        var sku = known.columns.sku_id.of(row), department = known.columns.department.of(row);
        return make("li", {}, [
          make("button", { type: "button", "class": "open", text: known.columns.product_name.of(row) || sku,
                           onclick: function () { openProduct(sku, this); } }),
          make("span", { "class": "hint", text: " " + sku + (department ? " \u00b7 " + department : "") })
        ]);
      })));
    });
  }
  if (find) {
    var late;
    find.addEventListener("focus", function () { withProducts(function () {}); });
    find.addEventListener("input", function () { clearTimeout(late); late = setTimeout(search, 60); });
    find.addEventListener("keydown", function (event) {
      if (event.key !== "Enter") return;
      search();
      var first = results.querySelector("button");
      if (first) first.click();
    });
  }
  document.querySelectorAll("[data-sku]").forEach(function (button) {
    button.addEventListener("click", function () { openProduct(button.getAttribute("data-sku"), button, button.getAttribute("data-place")); });
  });

  // ---- the view of one product
  var dialog = document.getElementById("product");
  function openProduct(sku, opener, place) {
    withProducts(function (known) {
      var row = known.of[sku];
      if (row === undefined) return;
      var files = known.content.files, file = 0;
      while (file + 1 < files.length && files[file + 1] <= row) file++;
      load("product-" + file, function (details) { showProduct(known, row, details[row - files[file]], opener, place); });
    });
  }
  function showProduct(known, row, detail, opener, place) {
    var sku = known.columns.sku_id.of(row), title = known.columns.product_name.of(row) || sku;
    var lines = detail.lines || [];
    dialog.textContent = "";
    var close = make("button", { type: "button", "class": "close", text: t("product.close"), onclick: function () { dialog.close(); } });
    var chart = make("div", { "class": "plot", role: "img", "aria-label": t("product.chart") });
    var select = make("select", { id: "product-place" });
    Object.keys(detail.series).sort().forEach(function (each) {
      var line = lines.filter(function (l) { return l.location_id === each; })[0];
      select.appendChild(make("option", { value: each, text: each === "" ? t("product.all") : line ? line.place : each }));
    });
    // a place that only feeds others sells nothing itself: its product is seen as a whole
    select.value = place && (detail.series[place] || {}).fan ? place : "";
    select.addEventListener("change", function () { draw(chart, known, detail, select.value); });
    dialog.appendChild(make("div", { "class": "inside" }, [
      close,
      make("h2", { id: "product-title", text: title }),
      make("p", { "class": "hint", text: [sku, known.columns.department.of(row), known.columns.category.of(row)].filter(Boolean).join(" \u00b7 ") }),
      make("label", { "for": "product-place", text: t("product.where") + " " }, [select]),
      chart,
      make("h3", { text: t("product.lines") }),
      lines.length ? make("div", {}, lines.slice(0, 30).map(arithmetic)) : make("p", { text: t("product.nothing") }),
      detail.promotions ? make("h3", { text: t("product.promotions") }) : null,
      detail.promotions ? make("ul", {}, detail.promotions.map(function (p) {
        return make("li", { text: (p.promotion_name || p.promotion_id) + ", " + String(p.mechanic || "").replace(/_/g, " ") + ": " +
          shownDay(p.starts_on) + " \u2013 " + shownDay(p.ends_on) });
      })) : null
    ]));
    dialog.addEventListener("close", function () { if (opener && opener.isConnected) opener.focus(); }, { once: true });
    dialog.showModal();
    close.focus();
    draw(chart, known, detail, select.value);
  }
  // The line's sum, term by term: what is wanted, what is there, what each rule made of the difference.
  var ADDED = ["on_hand_qty", "reserved_qty", "backorder_qty", "on_order_qty", "in_transfer_qty"];
  function arithmetic(line) {
    var rows = [];
    function add(label, value, sign, strong) {
      if (value === undefined) return;
      rows.push(make("tr", { "class": strong ? "total" : "" }, [
        make("th", { scope: "row", text: label }), make("td", { "class": "n", text: (sign || "") + value })
      ]));
    }
    function of(name) { return line[name] === undefined ? undefined : number.format(line[name]); }
    add(t("sum.demand_mean_qty") + (line.protection_days ? " (" + line.protection_days + " " + t("sum.protection_days") + ")" : ""), of("demand_mean_qty"));
    add(t("sum.service_target_qty"), of("service_target_qty"));
    if (line.downstream_position_qty) add(t("sum.downstream_position_qty"), of("downstream_position_qty"), "\u2212 ");
    add(t("sum.target_qty"), of("target_qty"), "", true);
    ADDED.forEach(function (name) {
      if (line[name] || name === "on_hand_qty") add(t("sum." + name), of(name), name === "reserved_qty" || name === "backorder_qty" ? "\u2212 " : "+ ");
    });
    add(t("sum.inventory_position_qty"), of("inventory_position_qty"), "= ", true);
    add(t("sum.need_qty"), of("need_qty"), "", true);
    var last = line.need_qty;
    Object.keys(line).filter(function (name) { return /^after_/.test(name); }).forEach(function (name) {
      if (line[name] !== last) add(t("sum.after") + " " + t("step." + name.slice(6, -4)), number.format(line[name]), "\u2192 ");
      last = line[name];
    });
    add(t("sum.order_qty"), of("order_qty"), "", true);
    add(t("sum.order_value") + ", " + facts.currency, line.order_value === undefined ? undefined : money.format(line.order_value), "", true);
    return make("details", {}, [
      make("summary", { text: line.place + (line.source ? " \u2190 " + line.source : "") + ": " + (line.withheld_reason && named("withheld_reason", line.withheld_reason) ||
        number.format(line.order_qty) + (line.order_value ? ", " + facts.currency + " " + money.format(line.order_value) : "") +
        (line.order_on ? ", " + shownDay(line.order_on) : "")) }),
      make("table", { "class": "compact sum" }, [make("tbody", {}, rows)]),
      line.explanation && language === "en-GB" ? make("p", { "class": "hint", text: line.explanation }) : null
    ]);
  }
  function weekly(pair, count, empty) {
    var values = new Array(count).fill(empty);
    (pair ? pair[0] : []).forEach(function (week, k) { values[week] = pair[1][k]; });
    return values;
  }
  function draw(chart, known, detail, place) {
    var series = detail.series[place] || {}, count = known.content.history_weeks;
    var first = new Date(known.content.weeks[0] + "T12:00:00"), values = [];
    function week(k) { var d = new Date(first); d.setDate(d.getDate() + 7 * k); return d.toISOString().slice(0, 19); }
    weekly(series.sold, count, 0).forEach(function (units, k) { values.push({ week: week(k - count), kind: "sold", units: units }); });
    weekly(series.stock, count, null).forEach(function (units, k) { if (units !== null) values.push({ week: week(k - count), kind: "stock", units: units }); });
    (series.fan || []).forEach(function (fan, k) {
      values.push({ week: known.content.weeks[k] + "T12:00:00", kind: "forecast", units: fan[0], low: fan[1], q25: fan[2], q75: fan[3], high: fan[4] });
    });
    (detail.promotions || []).forEach(function (p) {
      values.push({ kind: "promotion", from: p.starts_on + "T00:00:00", to: p.ends_on + "T23:59:00", name: p.promotion_name || p.promotion_id });
    });
    var specs = JSON.parse(document.getElementById("product-spec").textContent);
    chart.textContent = "";
    ["flow", "stock"].forEach(function (part) {
      if (part === "stock" && !series.stock) return;
      var own = make("div", { "class": "plot" }), spec = specs[part];
      chart.appendChild(own);
      // what has no values is left out: Vega warns of a scale without any
      if (part === "flow") spec.layer = spec.layer.filter(function (layer) {
        var kind = layer.transform[0].filter.match(/'(\w+)'/)[1];
        return kind === "sold" || (kind === "forecast" ? series.fan : detail.promotions);
      });
      (spec.layer || [spec]).forEach(function (layer) { layer.encoding.x.scale = { domain: [week(-count), week((series.fan || []).length)] }; });
      spec.datasets = { series: values };
      window.drawChart(own, spec, "product");
    });
  }

  if (tabs.length) {
    // the first paint comes before the first list
    requestAnimationFrame(function () { setTimeout(function () { choose(tabs[0]); }, 0); });
  }
})();
