/* Draws each chart from the table behind it: the table is the only source, and stays there for whoever reads it. */
"use strict";

(() => {
  const HEIGHT = 256;
  const say = new Intl.NumberFormat(document.documentElement.lang || "en");

  /** Return what a table holds: a label and a link a row, and a name, a colour and a value a row for each column. */
  const read = (table) => {
    const rows = [...table.tBodies[0].rows];
    const columns = [...table.tHead.rows[0].cells].map((cell, at) => ({ cell, at })).filter(({ cell }) => cell.dataset.tone);
    return {
      names: rows.map((row) => row.cells[0].textContent.trim()),
      labels: rows.map(({ cells: [name] }) => name.dataset.mark || name.textContent.trim()),
      links: rows.map((row) => row.querySelector("td a")?.href),
      series: columns.map(({ cell, at }) => ({
        name: cell.textContent.trim(),
        tone: cell.dataset.tone,
        values: rows.map((row) => Number(row.cells[at].dataset.value || 0)),
      })),
    };
  };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const TONES = { line: "line-strong", "line-strong": "field-line" };
  const tone = (name) => colour(TONES[name] || name);

  /** Stacked: each column as the sum of itself and those before it, the highest drawn first and the others over it. */
  const stacked = ({ labels, series }) => {
    const sums = labels.map(() => 0);
    const heights = series.map(({ values }) => values.map((value, row) => (sums[row] += value)));
    return {
      data: [labels.map((_, row) => row), ...heights.reverse()],
      order: [...series].reverse(),
      row: (x) => Math.round(x),
      width: 0.82,
    };
  };

  /** Grouped: a place of its own beside the others for each column. */
  const grouped = ({ labels, series }) => {
    const step = 0.8 / series.length;
    const places = [];
    labels.forEach((_, row) => series.forEach((_one, nth) => places.push({ row, nth, x: row + (nth - (series.length - 1) / 2) * step })));
    return {
      data: [places.map(({ x }) => x), ...series.map(({ values }, own) => places.map(({ row, nth }) => (nth === own ? values[row] : null)))],
      order: series,
      row: (x) => Math.round(x),
      width: 0.86,
    };
  };

  const draw = (place) => {
    const section = place.closest("section");
    const held = read(section.querySelector("table"));
    const made = (place.dataset.chart === "stacked" ? stacked : grouped)(held);
    const text = getComputedStyle(place);
    const font = `${text.fontSize} ${text.fontFamily}`;
    const axis = { stroke: tone("ink-soft"), font, ticks: { show: false }, grid: { stroke: colour("line"), width: 1 } };
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = font;
    const widest = Math.max(...held.labels.map((label) => pen.measureText(label).width));
    const said = document.createElement("p");
    said.className = "chart-said";
    place.replaceChildren();

    const speak = (plot) => {
      const { left } = plot.cursor;
      const row = left < 0 ? -1 : made.row(plot.posToVal(left, "x"));
      const label = held.names[row];
      said.hidden = label === undefined;
      said.dataset.row = row;
      if (label !== undefined) {
        const values = held.series.map(({ name, values: of }) => `${name} ${say.format(of[row])}`);
        said.textContent = `${label}: ${values.join(" · ")}`;
      }
    };

    const plot = new uPlot(
      {
        width: place.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        padding: [12, 4, 0, 0],
        scales: {
          x: { time: false, range: [-0.5, held.labels.length - 0.5] },
          y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.08)] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 28,
            space: widest + 16,
            incrs: [1, 2, 3, 5, 7, 10, 14, 21, 28],
            values: (_plot, at) => at.map((row) => held.labels[row] ?? ""),
          },
          { ...axis, size: 52, incrs: [1, 2, 5].flatMap((n) => [1, 10, 1e2, 1e3, 1e4, 1e5, 1e6].map((ten) => n * ten)).sort((a, b) => a - b), values: (_plot, at) => at.map((value) => say.format(value)) },
        ],
        series: [
          {},
          ...made.order.map((one) => ({
            label: one.name,
            fill: tone(one.tone),
            // A thin seam between colours, for whoever does not see them.
            stroke: colour("surface"),
            width: 1,
            points: { show: false },
            paths: uPlot.paths.bars({ size: [made.width, 64] }),
          })),
        ],
        hooks: { setCursor: [speak] },
      },
      made.data,
      place,
    );
    said.hidden = true;
    place.append(said);
    plot.over.addEventListener("click", () => {
      const link = held.links[Number(said.dataset.row)];
      if (link) location.href = link;
    });
    return plot;
  };

  const show = (place) => {
    const section = place.closest("section");
    section.querySelector("details").open = false;
    // Nothing to draw: words say so, and no axis pretends.
    if (read(section.querySelector("table")).series.every(({ values }) => values.every((value) => value === 0))) {
      section.querySelector(".none").hidden = false;
      return;
    }
    place.hidden = false;
    section.querySelector(".legend").hidden = false;
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", place.dataset.label);
    let plot = draw(place);
    new ResizeObserver(() => {
      if (place.clientWidth && place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: HEIGHT });
    }).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      plot.destroy();
      plot = draw(place);
    });
  };

  if (window.uPlot) document.querySelectorAll(".chart[data-chart]").forEach(show);
})();
