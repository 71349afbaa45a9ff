'use strict';
/* All hosts, one cell each, from one to as many as there are pixels; beyond that a cell is several hosts and shows the worst. */
(() => {
  const canvas = document.getElementById('map'), where = document.getElementById('where');
  if (!canvas) return;
  const NAMES = ['refused', 'waiting', 'unknown', 'under-way', 'safe', 'silent', 'accepted'], RANK = [0, 2, 3, 4, 6, 1, 5], LARGEST = 18, TALLEST = 240;
  const context = canvas.getContext('2d', {alpha: false});
  let cells = new Uint8Array(0), colors = [], other = '', ground = '', size = 1, gap = 0, columns = 1, each = 1, cursor = -1, drawing = 0, dirty = null, loading = false, stale = false, at = -1, timer = 0;

  const style = () => {
    const css = getComputedStyle(document.documentElement);
    colors = NAMES.map(name => css.getPropertyValue('--map-' + name).trim());
    other = css.getPropertyValue('--line').trim();
    ground = css.getPropertyValue('--raised').trim();
  };
  const layout = () => {
    const ratio = Math.min(2, window.devicePixelRatio || 1), needed = Math.ceil(cells.length / Math.max(1, Math.floor(canvas.clientWidth / LARGEST))) * LARGEST;
    canvas.style.height = Math.min(TALLEST, Math.max(LARGEST, needed)) + 2 + 'px';
    const width = Math.max(1, Math.floor(canvas.clientWidth * ratio)), height = Math.max(1, Math.floor(canvas.clientHeight * ratio));
    canvas.width = width; canvas.height = height;
    const n = Math.max(1, cells.length);
    each = Math.ceil(n / (width * height));
    const shown = Math.ceil(n / each);
    size = Math.min(Math.floor(LARGEST * ratio), Math.max(1, Math.floor(Math.sqrt(width * height / shown))));
    while (size > 1 && Math.floor(width / size) * Math.floor(height / size) < shown) size--;
    columns = Math.floor(width / size);
    gap = size >= 4 ? 1 : 0;
    draw(null);
  };
  const worst = cell => {
    let found = 255;
    for (let i = cell * each, end = Math.min(cells.length, i + each); i < end; i++) if (cells[i] !== 255 && (found === 255 || RANK[cells[i]] < RANK[found])) found = cells[i];
    return found;
  };
  const paint = cell => {
    const state = worst(cell), x = cell % columns * size, y = Math.floor(cell / columns) * size;
    context.fillStyle = state === 255 ? other : colors[state];
    context.fillRect(x, y, size - gap, size - gap);
    if (cell === cursor) {
      context.strokeStyle = getComputedStyle(canvas).color;
      context.lineWidth = 2;
      context.strokeRect(x - 1, y - 1, Math.max(5, size), Math.max(5, size));
    }
  };
  const paintAll = () => {
    context.fillStyle = ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const shown = Math.ceil(cells.length / each);
    /* By colour: changing it costs more than filling. */
    const places = NAMES.map(() => []), none = [];
    for (let cell = 0; cell < shown; cell++) { const state = worst(cell); (state === 255 ? none : places[state]).push(cell); }
    [...places, none].forEach((list, state) => {
      context.fillStyle = state < NAMES.length ? colors[state] : other;
      for (const cell of list) context.fillRect(cell % columns * size, Math.floor(cell / columns) * size, size - gap, size - gap);
    });
    if (cursor >= 0) paint(cursor);
  };
  /* One drawing for each frame, of what changed since the last. */
  const draw = changed => {
    if (changed === null || dirty === null && drawing) dirty = null;
    else { dirty = dirty || new Set(); changed.forEach(cell => dirty.add(cell)); }
    if (drawing) return;
    if (changed === null) dirty = null;
    drawing = requestAnimationFrame(() => {
      drawing = 0;
      const todo = dirty; dirty = new Set();
      if (todo === null || todo.size > 20000) paintAll(); else todo.forEach(paint);
      canvas.dataset.drawn = String(Number(canvas.dataset.drawn || 0) + 1);
    });
  };
  const load = async () => {
    if (loading) { stale = true; return; }
    loading = true; stale = false;
    try {
      const answer = await fetch(canvas.dataset.src);
      if (!answer.ok) throw new Error(String(answer.status));
      const bytes = await answer.arrayBuffer(), view = new DataView(bytes);
      cells = new Uint8Array(bytes, 12, view.getInt32(0));
      layout();
    } catch (failure) {
      where.textContent = 'The map could not be loaded; it is tried again.';
      setTimeout(load, 3000);
    } finally {
      loading = false;
      if (stale) load();
    }
  };
  const filtered = new URL(canvas.dataset.src, location).search.length > 1;
  document.addEventListener('fleet', event => {
    const tick = event.detail.tick;
    if (event.detail.restarted || !tick.m && !event.detail.first || filtered && tick.m && tick.m.length || tick.n !== cells.length && !loading) { if (cells.length || tick.n) load(); return; }
    const changed = [];
    for (let i = 0; tick.m && i < tick.m.length; i += 2) { cells[tick.m[i]] = tick.m[i + 1]; changed.push(Math.floor(tick.m[i] / each)); }
    if (changed.length) draw(changed);
  });

  const tell = cell => {
    const place = cell * each;
    clearTimeout(timer);
    if (place < 0 || place >= cells.length) return;
    timer = setTimeout(async () => {
      at = place;
      const past = canvas.dataset.at ? '?at=' + encodeURIComponent(canvas.dataset.at) : '';
      const answer = await fetch('/map/' + place + past);
      if (!answer.ok || at !== place) return;
      const host = await answer.json();
      where.textContent = host.hostname + ': ' + host.words + (host.heardAt ? ', last heard of ' + window.kmodfleet.ago(Date.parse(host.heardAt)) : '') + (host.because ? ', ' + host.because : '') + (host.kernel ? '; runs ' + host.kernel : '') + (each > 1 ? ' (one of ' + each + ' hosts here)' : '');
    }, 60);
  };
  const cellAt = event => {
    const box = canvas.getBoundingClientRect(), x = Math.floor((event.clientX - box.left) * canvas.width / box.width / size), y = Math.floor((event.clientY - box.top) * canvas.height / box.height / size);
    return x < columns && (y * columns + x) * each < cells.length ? y * columns + x : -1;
  };
  const open = async cell => {
    const place = cell * each;
    if (place < 0 || place >= cells.length) return;
    const past = canvas.dataset.at ? '?at=' + encodeURIComponent(canvas.dataset.at) : '';
    const answer = await fetch('/map/' + place + past);
    if (answer.ok) location.href = '/hosts/' + (await answer.json()).host + past;
  };
  canvas.addEventListener('mousemove', event => tell(cellAt(event)));
  canvas.addEventListener('click', event => open(cellAt(event)));
  canvas.addEventListener('keydown', event => {
    const shown = Math.ceil(cells.length / each), step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -cursor, End: shown - 1 - cursor}[event.key];
    if (event.key === 'Enter') { open(cursor); return; }
    if (step === undefined || !shown) return;
    event.preventDefault();
    cursor = Math.max(0, Math.min(shown - 1, cursor < 0 ? 0 : cursor + step));
    draw(null);
    tell(cursor);
  });
  canvas.addEventListener('blur', () => { cursor = -1; draw(null); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { style(); draw(null); });
  new ResizeObserver(layout).observe(canvas);
  style();
  load();
})();
