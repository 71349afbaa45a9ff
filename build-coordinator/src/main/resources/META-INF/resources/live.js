'use strict';
/* Keeps a page up to date: one stream says that something moved, and the parts that changed are fetched again. */
(() => {
  const THIN = '\u2009', SOONEST = 2000, HEARD_EVERY = 30000;
  const live = document.getElementById('live'), lost = document.getElementById('lost'), refresh = document.getElementById('refresh');

  const span = seconds => {
    if (seconds < 60) return Math.floor(seconds) + THIN + 's';
    if (seconds < 3600) return Math.floor(seconds / 60) + THIN + 'min';
    if (seconds < 86400) { const m = Math.floor(seconds / 60) % 60; return Math.floor(seconds / 3600) + THIN + 'h' + (m ? ' ' + m + THIN + 'min' : ''); }
    const h = Math.floor(seconds / 3600) % 24;
    return Math.floor(seconds / 86400) + THIN + 'd' + (h ? ' ' + h + THIN + 'h' : '');
  };
  const ago = at => { const s = (Date.now() - at) / 1000; return s < 0 ? 'in ' + span(-s) : s < 2 ? 'now' : span(s) + ' ago'; };
  const number = value => String(value).replace(/\B(?=(\d{3})+$)/g, THIN);
  const times = () => document.querySelectorAll('time[datetime]').forEach(time => {
    const text = ago(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  });
  window.kmodfleet = {number, ago};

  document.querySelectorAll('#filter select').forEach(select => select.addEventListener('change', () => select.form.requestSubmit()));
  const slider = document.getElementById('slider');
  if (slider) slider.addEventListener('input', () => { document.getElementById('slider-at').textContent = number(slider.value); });
  const again = () => { if (document.querySelector('[data-again]')) setTimeout(() => window.htmx && htmx.trigger(refresh, 'moved'), 700); };
  document.addEventListener('htmx:afterSettle', again);
  addEventListener('load', again);

  if (!refresh) { setInterval(times, 5000); return; }

  let tick = null, last = 0, planned = 0, since = 0, epoch = null;
  const show = () => {
    times();
    if (!tick) return;
    live.classList.toggle('on', !since);
    live.textContent = 'position ' + number(tick.p) + ', taken ' + ago(tick.t);
    live.title = new Date(tick.t).toISOString().replace('T', ' ').replace(/\.\d+Z/, ' UTC');
    lost.hidden = !since || Date.now() - since < 1500;
    if (!lost.hidden) lost.textContent = 'No connection to the coordinator for ' + span((Date.now() - since) / 1000) + '. What you see is as of then; it comes back by itself.';
  };
  const fetchParts = () => {
    planned = 0; last = Date.now();
    if (refresh.getAttribute('hx-select-oob') === '#nothing') return;
    const typing = document.activeElement && document.activeElement.matches('#main input, #main textarea, #main select');
    if (document.hidden || typing && document.activeElement.closest(refresh.getAttribute('hx-select-oob') || 'x')) { plan(); return; }
    htmx.trigger(refresh, 'moved');
  };
  const plan = () => { if (!planned) planned = setTimeout(fetchParts, Math.max(0, last + SOONEST - Date.now())); };
  /* What somebody opened stays open. */
  const key = details => { const place = details.closest('tr, li, section'); return (place ? place.textContent.slice(0, 60) : '') + details.querySelector('summary').textContent.slice(0, 12); };
  document.addEventListener('htmx:oobBeforeSwap', event => {
    const open = new Set([...event.detail.target.querySelectorAll('details[open]')].map(key));
    event.detail.fragment.querySelectorAll('details').forEach(details => { if (open.has(key(details))) details.open = true; });
  });
  /* A browser has six connections to a server, for all of its tabs: only what somebody sees keeps one. */
  let source = null, lines = null;
  const stop = () => { [source, lines].forEach(stream => stream && stream.close()); source = lines = null; };
  const listen = () => {
    if (source || document.hidden) return;
    source = new EventSource('/live');
    source.addEventListener('fleet', event => {
      const next = JSON.parse(event.data);
      const first = epoch === null, restarted = epoch !== null && epoch !== next.e, behind = tick && (next.p !== tick.p || next.h !== tick.h) || !tick && next.p !== Number(document.body.dataset.position);
      epoch = next.e; tick = next; since = 0;
      document.dispatchEvent(new CustomEvent('fleet', {detail: {tick: next, restarted, first}}));
      if (restarted || behind) plan();
      show();
    });
    source.onopen = () => { since = 0; show(); };
    source.onerror = () => {
      since = since || Date.now(); show();
      /* A proxy's error page ends it for good. */
      if (source && source.readyState === EventSource.CLOSED) { source = null; setTimeout(listen, 2000); }
    };
  };
  const follow = () => {
    const log = document.getElementById('log');
    if (!log || 'ended' in log.dataset || lines || document.hidden) return;
    lines = new EventSource('/builds/' + encodeURIComponent(log.dataset.build) + '/live');
    lines.addEventListener('again', () => { log.textContent = ''; });
    lines.addEventListener('line', event => {
      const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 20;
      log.append(event.data + '\n');
      if (follows) log.scrollTop = log.scrollHeight;
      if (event.data.startsWith('==> end: ')) { log.dataset.ended = ''; lines.close(); }
    });
  };
  const begin = () => { listen(); follow(); };
  addEventListener('load', begin);
  addEventListener('pageshow', event => { if (event.persisted) begin(); });
  addEventListener('pagehide', stop);
  document.addEventListener('visibilitychange', () => { if (document.hidden) stop(); else begin(); });
  /* When a host was last heard of moves without anything else. */
  setInterval(() => { if (document.getElementById('heard') && !document.hidden && Date.now() - last > HEARD_EVERY) plan(); }, 5000);
  setInterval(show, 1000);
})();
