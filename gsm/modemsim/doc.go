// Package modemsim is a GSM network of the imagination: virtual modems that
// speak AT commands on real pseudo terminals, the SMSC behind them, and the
// officers' phones behind that. Tests, the demonstration and the benchmark
// plug the gateway into it, and unmodified gammu and smstools work with it.
//
// It owns the modems, their SIM stores, the messages under way and the faults
// that it was told to inject. It knows nothing of tali: it imports none of its
// packages, and never looks at what a message says.
//
// Invariants:
//   - the SMSC keeps a PDU until a modem has acknowledged it, and sends it
//     again, with the same time stamp, until then;
//   - every PDU has an ID; the log and [Network.Delivery] tell what became of
//     it, so that a test can hold them against the central database;
//   - faults come from a seeded plan only, and each one taken is counted;
//   - one goroutine serves a modem; it sleeps while nothing happens.
package modemsim
