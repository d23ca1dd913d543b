// Package verify decides what a message means: it takes what the parser read
// and what is known about the sender and the station, and yields a Verdict with
// the entry to store, if any, and the reply to send, if any.
//
// It owns every rule of the protocol KT1 beyond reading, every question, the
// legal changes of a station's case and the rendering of replies. It does no
// I/O, reads no clock and draws no chance: the same message and facts give the
// same verdict at the gateway, at the desk, in the test console and in a
// simulation. Nothing is ever repaired silently: a verdict either takes all
// figures of a form as they were typed or takes none.
package verify
