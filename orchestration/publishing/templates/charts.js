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
    legend: { labelColor: "var(--ink)", labelFontSize: 13, symbolSize: 120, labelLimit: 240 }
  };
  document.querySelectorAll("script[data-chart]").forEach(function (data) {
    var key = data.getAttribute("data-chart");
    var place = document.getElementById("chart-" + key);
    // Vega does not break a legend by itself: its longest entry is 145 pixels wide, the axis before it 40
    var columns = Math.max(1, Math.floor((place.clientWidth - 40) / 145));
    var own = Object.assign({}, config, { legend: Object.assign({ columns: columns }, config.legend) });
    vegaEmbed(place, JSON.parse(data.textContent), {
      mode: "vega-lite",
      renderer: "svg", // sharp in print
      actions: false,
      ast: true, // expressions are interpreted: the page's content policy forbids eval
      config: own
    }).catch(function (error) { console.error("chart " + key, error); });
  });
})();
