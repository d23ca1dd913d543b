// Puts each picture of the count that the server sends in the place of the last,
// and never shows an old one as if it were new.
"use strict";
(() => {
  const silence = 15000; // ms; the server speaks every second, and every five while the centre hangs
  const retry = 5000;
  const byId = (id) => document.getElementById(id);
  const board = byId("board"), line = byId("line"), at = byId("at"), away = byId("away"), why = byId("why"), pause = byId("pause");
  let source, watchdog, paused = false, next = null, nextAt = "";

  // A status that is set again is read out again: set it only when it changes.
  const say = (text, tone) => {
    if (line.textContent !== text) line.textContent = text;
    line.className = tone;
  };

  const show = () => {
    if (next !== null) board.innerHTML = next; // escaped by the server
    next = null;
    at.textContent = nextAt;
  };

  const lost = () => {
    source.close();
    say("terputus, mencoba lagi", "off");
    clearTimeout(watchdog);
    watchdog = setTimeout(open, retry);
  };

  const heard = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(lost, silence);
  };

  const open = () => {
    source = new EventSource("/live");
    source.onerror = lost;
    source.addEventListener("board", (event) => { heard(); next = event.data; });
    source.addEventListener("at", (event) => {
      heard();
      away.hidden = true;
      nextAt = event.data;
      if (paused) { say("dijeda", ""); return; }
      show();
      say("langsung", "on");
    });
    source.addEventListener("away", (event) => {
      heard();
      if (why.textContent !== event.data) why.textContent = event.data;
      away.hidden = false;
      say("pusat terputus", "off");
    });
    heard();
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) { say("dijeda", ""); return; }
    if (nextAt !== "") show();
    say("menyambung", "");
  });
  open();
})();
