// The page: fields, notes, and what is kept between two looks at it.
var current = 0; // ballot
var cells = []; // of the current ballot: input, total and relation of each row

function el(id) { return document.getElementById(id); }

function make(tag, name, text) {
  var node = document.createElement(tag);
  if (name) { node.className = name; }
  if (text) { node.appendChild(document.createTextNode(text)); }
  return node;
}

function write(node, text, name) {
  if (node.textContent !== text) { node.textContent = text; } // a screen reader repeats what is written again
  node.className = name;
}

// A browser may refuse to keep anything for a file; the page works without.
function keep(name, text) {
  try { window.localStorage.setItem(data.place + name, text); } catch (e) { return; }
}

function kept(name) {
  try { return window.localStorage.getItem(data.place + name) || ''; } catch (e) { return ''; }
}

function values() {
  var out = [], i;
  for (i = 0; i < cells.length; i++) { out.push(cells[i].input.value); }
  return out;
}

function cell(ballot, i) {
  var row = ballot.rows[i], id = 'f' + i, box = make('div', row.who ? 'row named' : 'row');
  var label = make('label', '', (i + 1) + '. ' + row.name), input = make('input');
  var total = make('span', 'total'), relation = make('span', 'relation');
  label.htmlFor = input.id = id;
  input.type = 'tel';
  input.setAttribute('inputmode', 'numeric');
  input.setAttribute('autocomplete', 'off');
  input.maxLength = 5;
  relation.id = id + 'r';
  total.id = id + 't';
  relation.setAttribute('role', 'status');
  input.setAttribute('aria-describedby', total.id + ' ' + relation.id);
  if (row.who) { label.appendChild(make('span', 'who', row.who)); }
  box.appendChild(label);
  box.appendChild(input);
  box.appendChild(total);
  el('rows').appendChild(box);
  el('rows').appendChild(relation);
  return { input: input, total: total, relation: relation };
}

function show(number) {
  var ballot = data.ballots[number], saved, parts, i;
  current = number;
  while (el('rows').children.length > 1) { el('rows').removeChild(el('rows').lastChild); }
  cells = [];
  saved = kept('figures.' + ballot.keyword);
  parts = saved ? saved.split(',') : [];
  for (i = 0; i < ballot.rows.length; i++) {
    cells.push(cell(ballot, i));
    cells[i].input.value = parts[i] || '';
  }
  el('k').value = '';
  el('proof').value = '';
  refresh();
}

function figures() {
  var texts = values(), out = [], i;
  for (i = 0; i < texts.length; i++) { out.push(figure(texts[i])); }
  return out;
}

function showRows(ballot, f) {
  var totals = running(ballot, f), rules = relations(ballot, f), i, c, r, good;
  for (i = 0; i < cells.length; i++) {
    c = cells[i];
    write(c.total, totals[i] === undefined ? '' : 'jumlah ' + totals[i], 'total');
    write(c.relation, f[i] !== f[i] ? 'Tulis angka 0 sampai 999' : '', 'relation bad'); // only NaN differs from itself
  }
  for (i = 0; i < rules.length; i++) {
    r = rules[i];
    good = r.got === r.want;
    write(cells[r.row].relation, good ? 'Cocok: ' + r.words + ' ' + r.want
      : 'Tidak cocok: ' + r.words + ' ' + r.want + ', tertulis ' + r.got, 'relation ' + (good ? 'good' : 'bad'));
  }
  return rules;
}

function broken(rules) {
  for (var i = 0; i < rules.length; i++) {
    if (rules[i].got !== rules[i].want) { return true; }
  }
  return false;
}

function typedK() {
  return el('k').value.replace(/\s/g, '').toUpperCase().replace(/^K/, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}

function showK(ballot, f, k) {
  var digits = ballot.n > 6 ? 6 : 5, good;
  if (k.length < digits || !whole(f)) {
    write(el('k-note'), k === '' ? '' : 'K: ' + digits + ' angka, diawali ' + ballot.digit, 'note');
    return false;
  }
  good = holdsK(ballot, f, k);
  write(el('k-note'), good ? 'K cocok' : 'K tidak cocok. Bandingkan tiap angka dengan C.HASIL, lalu hitung ulang K di lembar kerja. Tetap tidak cocok? Ketik SMS biasa tanpa halaman ini.',
    'note ' + (good ? 'good' : 'bad'));
  return good;
}

// stationKey is null while there is none; a slip in typing shows at once.
function stationKey() {
  var text, bytes, check, good;
  if (data.key) { return hexBytes(data.key); }
  if (!data.check) { return null; }
  text = el('key').value.replace(/[^0-9A-Za-z]/g, '').toLowerCase().replace(/o/g, '0').replace(/[il]/g, '1');
  if (text.length < 32) {
    write(el('key-note'), text === '' ? '' : text.length + ' dari 32', 'note');
    return null;
  }
  bytes = hexBytes(text);
  check = hmac(bytes, 'KT1|check');
  good = /^[0-9a-f]{32}$/.test(text) && check[0] * 256 + check[1] === parseInt(data.check, 16);
  write(el('key-note'), good ? 'Kunci benar' : 'Kunci salah ketik, periksa lembar RAHASIA', 'note ' + (good ? 'good' : 'bad'));
  if (!good) { return null; }
  keep('key', text);
  return bytes;
}

function showState(rules, ready) {
  if (!ready) {
    write(el('state'), 'Belum siap: isi semua angka, dan K yang cocok.', 'note');
  } else if (broken(rules)) {
    write(el('state'), 'Penjumlahan tidak cocok. Salah ketik? Perbaiki. Jika di C.HASIL memang begitu, kirim saja dan balas FORM bila ditanya. Jangan ubah angka C.HASIL.', 'note bad');
  } else {
    write(el('state'), 'Siap dikirim. Cocokkan sekali lagi dengan C.HASIL.', 'note good');
  }
}

// showSMS offers the SMS; an empty one leaves nothing behind of the last.
function showSMS(text) {
  var parts = text.length <= 160 ? 1 : Math.ceil(text.length / 153), links = el('send').children, i; // GSM-7
  el('result').hidden = text === '';
  el('sms').value = text;
  write(el('size'), text.length + ' huruf = ' + parts + ' SMS', '');
  for (i = 0; i < links.length; i++) {
    links[i].href = text === '' ? '#' : 'sms:' + data.gateways[i].number + '?body=' + encodeURIComponent(text);
  }
}

function refresh() {
  var ballot = data.ballots[current], f = figures(), rules = showRows(ballot, f), k = typedK();
  var proof = proofCode(el('proof').value), key = stationKey(), ready;
  write(el('proof-note'), proof === false ? 'Kode bukti: 5 huruf dan angka dari balasan' : '', 'note bad');
  ready = showK(ballot, f, k) && proof !== false;
  showState(rules, ready);
  showSMS(ready ? message(ballot, f, { k: k, proof: proof, key: key }) : '');
}

function choice(number) {
  var ballot = data.ballots[number], box = make('span', 'choice'), input = make('input'), label;
  input.type = 'radio';
  input.name = 'ballot';
  input.id = 'b' + number;
  input.checked = number === 0;
  label = make('label', '', ballot.keyword);
  label.htmlFor = input.id;
  label.appendChild(make('span', 'who', ballot.title));
  box.appendChild(input);
  box.appendChild(label);
  el('ballots').appendChild(box);
  input.onchange = input.onclick = function () { if (current !== number) { show(number); } };
}

// Enter goes to the next field, as the key of a phone's number pad does.
function next(event) {
  var fields = el('form').elements, i, seen = false, field;
  if (event.keyCode !== 13) { return; }
  event.preventDefault();
  for (i = 0; i < fields.length; i++) {
    field = fields[i];
    if (seen && field.tagName === 'INPUT' && field.type !== 'radio' && field.offsetWidth > 0) {
      field.focus();
      return;
    }
    seen = seen || field === event.target;
  }
}

function start() {
  var i, link, g;
  for (i = 0; i < data.ballots.length; i++) { choice(i); }
  for (i = 0; i < data.gateways.length; i++) {
    g = data.gateways[i];
    link = make('a', i === 0 ? 'send' : 'send other', (i === 0 ? 'Kirim ke ' : 'Gagal? Kirim ke ') + g.shown + (g.operator ? ' (' + g.operator + ')' : ''));
    el('send').appendChild(link);
  }
  el('secret').hidden = !data.check || !!data.key;
  el('key').value = kept('key');
  el('form').oninput = function () {
    keep('figures.' + data.ballots[current].keyword, values().join(','));
    refresh();
  };
  el('form').onkeydown = next;
  el('form').onsubmit = function () { return false; };
  el('sms').onfocus = function () { el('sms').select(); };
  el('clear').onclick = function () {
    if (window.confirm('Kosongkan semua angka ' + data.ballots[current].keyword + '?')) {
      keep('figures.' + data.ballots[current].keyword, '');
      show(current);
      cells[0].input.focus();
    }
  };
  el('main').hidden = false;
  show(0);
}
