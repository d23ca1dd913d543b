// The form: what its figures say, and the SMS that they make.

// added lists the rows that K adds up: votes, then T, R and Z.
function added(ballot) {
  var rows = [], i;
  for (i = 0; i < ballot.rows.length; i++) {
    if (i < ballot.n || 'TRZ'.indexOf(ballot.labels.charAt(i - ballot.n)) >= 0) { rows.push(i); }
  }
  return rows;
}

// figure reads one field: a number, null when empty, NaN when it is none. An
// empty field is never a zero.
function figure(text) {
  text = text.replace(/\s/g, '');
  if (text === '') { return null; }
  return /^[0-9]{1,3}$/.test(text) ? parseInt(text, 10) : NaN;
}

// whole tells whether every row has its figure.
function whole(figures) {
  for (var i = 0; i < figures.length; i++) {
    if (figures[i] === null || isNaN(figures[i])) { return false; }
  }
  return true;
}

// running are the running totals by row, as far as the rows above are there.
function running(ballot, figures) {
  var rows = added(ballot), out = [], sum = 0, i, v;
  for (i = 0; i < rows.length; i++) {
    v = figures[rows[i]];
    if (v === null || isNaN(v)) { break; }
    sum += v;
    out[rows[i]] = sum;
  }
  return out;
}

// holdsK compares K with the worksheet's; the right one never leaves this place.
function holdsK(ballot, figures, k) {
  var totals = running(ballot, figures), width = ballot.n > 6 ? 5 : 4, sum = 0, i, text;
  for (i = 0; i < totals.length; i++) { sum += totals[i] || 0; }
  text = String(sum);
  while (text.length < width) { text = '0' + text; }
  return k === ballot.digit + text && text.length === width;
}

function at(ballot, figures, label) { return figures[ballot.n + ballot.labels.indexOf(label)]; }

// relations are the rules of the form whose rows are all there: the row that is
// named, what stands there, what the others make, and how they are called.
function relations(ballot, figures) {
  var out = [], votes = 0, i;
  function rule(label, want, words) {
    var got = at(ballot, figures, label);
    if (got !== null && !isNaN(got) && want !== null && !isNaN(want)) {
      out.push({ row: ballot.n + ballot.labels.indexOf(label), got: got, want: want, words: words });
    }
  }
  function sum(labels) {
    var total = 0, i, v;
    for (i = 0; i < labels.length; i++) {
      v = at(ballot, figures, labels.charAt(i));
      total += v === null ? NaN : v;
    }
    return total;
  }
  for (i = 0; i < ballot.n; i++) { votes += figures[i] === null ? NaN : figures[i]; }
  rule('S', votes, 'jumlah ' + ballot.unit);
  rule('J', sum('ST'), 'sah + tidak sah');
  if (ballot.labels.length > 3) {
    rule('P', sum('J'), 'jumlah suara');
    rule('D', sum('URZ'), 'digunakan + rusak + tidak digunakan');
    rule('U', sum('J'), 'jumlah suara');
  }
  return out;
}

// proofCode reads a proof code: false when there is something else, '' when
// there is nothing. One digit must stand there as typed.
function proofCode(text) {
  var code = text.replace(/\s/g, '').toUpperCase();
  if (code === '') { return ''; }
  if (!/[0-9]/.test(code)) { return false; }
  code = code.replace(/O/g, '0').replace(/[IL]/g, '1');
  return /^[0-9A-HJKMNP-TV-Z]{5}$/.test(code) ? code : false;
}

function canonical(ballot, figures, proof) {
  var n = ballot.n;
  return ['KT1', ballot.keyword, data.tps, figures.slice(0, n).join(','), figures.slice(n, n + 3).join(','),
    ballot.labels.length > 3 ? figures.slice(n + 3).join(',') : '-', proof || '1'].join('|');
}

// message is the finished SMS; key is null where there is none.
function message(ballot, figures, entry) {
  var words = entry.proof ? ['RALAT', entry.proof] : [];
  words = words.concat(ballot.keyword, data.tps, figures, entry.k);
  if (entry.key) { words.push(authCode(entry.key, canonical(ballot, figures, entry.proof))); }
  return words.join(' ');
}
