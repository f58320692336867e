// Draws each chart from the JSON beside it. Colours are CSS variables, so light, dark and print need no second drawing.
(function () {
  "use strict";
  var axis = {
    labelColor: "var(--muted)", titleColor: "var(--muted)", gridColor: "var(--line)", domainColor: "var(--line)",
    tickColor: "var(--line)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelPadding: 6
  };
  var config = {
    background: "transparent",
    font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', sans-serif",
    view: { stroke: null },
    aria: false, // the figure's own label and its table of numbers speak for it
    axis: axis,
    axisX: { grid: false },
    legend: { labelColor: "var(--ink)", labelFontSize: 13, symbolSize: 120, labelLimit: 240, columns: window.innerWidth < 700 ? 2 : 5 }
  };
  document.querySelectorAll("script[data-chart]").forEach(function (data) {
    var key = data.getAttribute("data-chart");
    vegaEmbed(document.getElementById("chart-" + key), JSON.parse(data.textContent), {
      mode: "vega-lite",
      renderer: "svg", // sharp in print
      actions: false,
      ast: true, // expressions are interpreted: the page's content policy forbids eval
      config: config
    }).catch(function (error) { console.error("chart " + key, error); });
  });
})();
