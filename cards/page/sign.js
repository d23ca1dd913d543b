// SHA-256 (FIPS 180-4), HMAC (RFC 2104) and the authenticity code, for browsers
// that have none of their own or refuse it to a file. Bytes are arrays of numbers.
var ROUNDS = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
];
var CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function turn(word, by) { return (word >>> by) | (word << (32 - by)); }

// padded is the message with its end mark and its length in bits, eight bytes
// of which ours fill four.
function padded(bytes) {
  var out = bytes.slice(), bits = bytes.length * 8, i;
  out.push(0x80);
  while (out.length % 64 !== 56) { out.push(0); }
  out.push(0, 0, 0, 0);
  for (i = 24; i >= 0; i -= 8) { out.push((bits >>> i) & 255); }
  return out;
}

function compress(state, block, at) {
  var w = [], v = state.slice(), i, a, b, t1, t2;
  for (i = 0; i < 64; i++) {
    if (i < 16) {
      w[i] = (block[at + 4 * i] << 24) | (block[at + 4 * i + 1] << 16) | (block[at + 4 * i + 2] << 8) | block[at + 4 * i + 3];
    } else {
      a = w[i - 15];
      b = w[i - 2];
      w[i] = (w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
    }
    t1 = (v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + ROUNDS[i] + w[i]) | 0;
    t2 = ((turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))) | 0;
    v = [(t1 + t2) | 0, v[0], v[1], v[2], (v[3] + t1) | 0, v[4], v[5], v[6]];
  }
  for (i = 0; i < 8; i++) { state[i] = (state[i] + v[i]) | 0; }
}

function sha256(bytes) {
  var state = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
  var block = padded(bytes), out = [], i;
  for (i = 0; i < block.length; i += 64) { compress(state, block, i); }
  for (i = 0; i < 32; i++) { out.push((state[i >> 2] >>> (24 - 8 * (i % 4))) & 255); }
  return out;
}

function hmac(key, text) {
  var inside = [], outside = [], i;
  for (i = 0; i < 64; i++) { // our keys are shorter than a block
    inside.push((key[i] || 0) ^ 0x36);
    outside.push((key[i] || 0) ^ 0x5c);
  }
  for (i = 0; i < text.length; i++) { inside.push(text.charCodeAt(i)); } // ASCII
  return sha256(outside.concat(sha256(inside)));
}

// authCode is the first window of six characters that holds a digit.
function authCode(key, canonical) {
  var sum = hmac(key, canonical), text = '', i, word;
  for (i = 0; i < 51; i++) {
    word = (sum[i * 5 >> 3] << 8) | (sum[(i * 5 >> 3) + 1] || 0);
    text += CROCKFORD.charAt((word >> (11 - i * 5 % 8)) & 31);
  }
  for (i = 0; i + 6 <= text.length; i++) {
    if (/[0-9]/.test(text.substr(i, 6))) { return text.substr(i, 6); }
  }
  return text.substr(0, 6);
}

function hexBytes(text) {
  var out = [], i;
  for (i = 0; i < text.length; i += 2) { out.push(parseInt(text.substr(i, 2), 16)); }
  return out;
}
