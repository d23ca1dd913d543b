// Package gsm owns the serial ports: one goroutine (Modem.Run) owns one modem, speaks AT with it, reads SMS out of
// its slots and sends text. It knows nothing of what a message says, of databases or of files, except for one mark
// that keeps a refused PIN from being tried again.
//
// Invariants:
//
//   - A slot is deleted only after Keeper returned nil for the very bytes that it held when they were read, and
//     after a second read wherever those bytes may have changed since.
//   - A PDU is handed on as hex before anybody tries to understand it.
//   - After an answer that did not come, nothing is asked until the line is in step again; a failed read means
//     "unknown", never "empty".
//   - Run ends only with its context. A missing, busy, locked or silent modem is a state, not an error.
//   - ErrUnplugged from Send means that not one octet of the message has left.
//   - A PIN is given once, and only to the SIM that is expected.
//
// The way of a message: +CMTI, or a timer, wakes the owner; it lists the store (listing.go), gives all rows to the
// keeper in one call, then deletes slot by slot and lets waiting replies go in between (sweep.go). A modem that stays
// silent is led up a ladder (ladder.go); Health says at any time how it fares. Look and Call are for tools that visit a
// modem which nobody serves.
package gsm
