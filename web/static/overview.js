// Puts each section of the count that the server sends in the place of the last,
// and never shows an old one as if it were new.
(() => {
  'use strict';
  const silence = 20000; // ms; the server speaks every second, and every five while the centre hangs
  const retry = 5000;
  const byId = (id) => document.getElementById(id);
  const line = byId('line'), at = byId('at'), away = byId('away'), why = byId('why'), pause = byId('pause');
  let source, watchdog, paused = false, next = new Map(), nextAt = '';

  // A status that is set again is read out again: set it only when it changes.
  const say = (word, tone) => {
    const text = line.dataset[word];
    if (line.textContent !== text) line.textContent = text;
    line.className = tone;
  };

  const show = () => {
    next.forEach((html, name) => {
      const section = document.querySelector('[data-section="' + name + '"]');
      if (section) section.innerHTML = html; // escaped by the server
    });
    next.clear();
    at.textContent = nextAt;
  };

  const lost = () => {
    source.close();
    say('lost', 'off');
    clearTimeout(watchdog);
    watchdog = setTimeout(open, retry);
  };

  const heard = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, silence);
  };

  const open = () => {
    source = new EventSource('/live');
    source.onerror = lost;
    document.querySelectorAll('[data-section]').forEach((section) => {
      const name = section.dataset.section;
      source.addEventListener(name, (event) => { heard(); next.set(name, event.data); });
    });
    source.addEventListener('at', (event) => {
      heard();
      away.hidden = true;
      nextAt = event.data;
      if (paused) { say('paused', ''); return; }
      show();
      say('live', 'on');
    });
    source.addEventListener('away', (event) => {
      heard();
      if (why.textContent !== event.data) why.textContent = event.data;
      away.hidden = false;
      say('away', 'off');
    });
    source.addEventListener('out', () => location.reload());
    heard();
  };

  pause.hidden = false;
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    if (paused) { say('paused', ''); return; }
    if (nextAt !== '') show();
    say('joining', '');
  });
  open();
})();
