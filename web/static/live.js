// Puts each picture of the count that the server sends in the place of the last.
"use strict";
(() => {
  const board = document.getElementById("board");
  const line = document.getElementById("line");
  const source = new EventSource("/live");
  source.addEventListener("board", (event) => {
    board.innerHTML = event.data;
    line.textContent = "langsung";
    line.className = "on";
  });
  source.onerror = () => {
    line.textContent = "terputus, mencoba lagi";
    line.className = "off";
  };
})();
