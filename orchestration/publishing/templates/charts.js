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
  function embed(place, spec, name) {
    // Vega does not break a legend by itself: its longest entry is 145 pixels wide, the axis before it 40
    var columns = Math.max(1, Math.floor((place.clientWidth - 40) / 145));
    var own = Object.assign({}, config, { legend: Object.assign({ columns: columns }, config.legend) });
    if (spec.facet) spec.columns = Math.max(1, Math.floor(place.clientWidth / 300));
    return vegaEmbed(place, spec, {
      mode: "vega-lite",
      renderer: "svg", // sharp in print
      actions: false,
      ast: true, // expressions are interpreted: the page's content policy forbids eval
      config: own
    }).then(function () {
      // the place has its label and is an image; what Vega says of each mark would only be read aloud beside it
      place.querySelectorAll("svg").forEach(function (svg) { svg.setAttribute("aria-hidden", "true"); });
    }).catch(function (error) { console.error("chart " + name, error); });
  }
  window.drawChart = embed;
  document.querySelectorAll("script[data-chart]").forEach(function (data) {
    var key = data.getAttribute("data-chart");
    var place = document.getElementById("chart-" + key);
    embed(place, JSON.parse(data.textContent), key);
  });
})();
