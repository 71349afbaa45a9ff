'use strict';
/* Lines over time, from what the coordinator keeps of the past. */
addEventListener('load', async () => {
  const states = document.getElementById('chart-states'), kernels = document.getElementById('chart-kernels');
  if (!states || !window.uPlot) return;
  const SHOWN = 6, STROKES = ['#0b5cad', '#c2571a', '#19713a', '#8a3fa0', '#a37a00', '#5b6573'];
  const plots = [];
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const plot = (into, times, names, values, strokes) => {
    const axis = {stroke: css('--quiet'), grid: {stroke: css('--line'), width: 1}, ticks: {stroke: css('--line')}};
    const options = {
      width: Math.max(200, into.clientWidth), height: 220, cursor: {points: {size: 5}},
      series: [{value: (u, v) => v === null ? '–' : new Date(v * 1000).toISOString().slice(0, 19).replace('T', ' ') + ' UTC'}, ...names.map((name, i) => ({label: name, stroke: strokes[i % strokes.length], width: 1.5, points: {show: times.length < 3}, value: (u, v) => v === null ? '–' : kmodfleet.number(v)}))],
      axes: [{...axis, values: (u, ticks) => { const long = ticks.length > 1 && ticks[ticks.length - 1] - ticks[0] > 172800, fine = ticks.length > 1 && ticks[1] - ticks[0] < 60; return ticks.map(tick => { const text = new Date(tick * 1000).toISOString(); return long ? text.slice(5, 10) : text.slice(11, fine ? 19 : 16); }); }, space: 80}, {...axis, size: 60, values: (u, ticks) => ticks.map(v => v % 1 ? '' : kmodfleet.number(v))}],
      scales: {y: {range: (u, min, max) => [0, Math.max(1, max)]}},
      tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    };
    into.textContent = '';
    const made = new uPlot(options, [times, ...values], into);
    plots.push([made, into]);
  };
  const show = async () => {
    const answer = await fetch('/api/v1/fleet/history');
    if (!answer.ok) return;
    const history = await answer.json(), moments = history.items, times = moments.map(moment => Date.parse(moment.at) / 1000);
    plots.splice(0).forEach(([made]) => made.destroy());
    const used = history.states.map((name, i) => i).filter(i => moments.some(moment => moment.safety[i]));
    plot(states, times, used.map(i => history.states[i].replace('-', ' ')), used.map(i => moments.map(moment => moment.safety[i] || 0)), used.map(i => css('--map-' + history.states[i])));
    const latest = moments.length ? moments[moments.length - 1].kernels : {}, most = {};
    moments.forEach(moment => Object.entries(moment.kernels).forEach(([name, hosts]) => { most[name] = Math.max(most[name] || 0, hosts); }));
    const names = Object.keys(most).sort((a, b) => (latest[b] || 0) - (latest[a] || 0) || most[b] - most[a]).slice(0, SHOWN);
    plot(kernels, times, names, names.map(name => moments.map(moment => moment.kernels[name] || 0)), STROKES);
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
  let next = 0;
  document.addEventListener('fleet', () => { if (Date.now() > next) { next = Date.now() + 15000; show(); } });
  addEventListener('resize', () => plots.forEach(([made, into]) => made.setSize({width: Math.max(200, into.clientWidth), height: 220})));
  next = Date.now() + 5000;
  show();
});
