// Package spool is the gateway's own durable journal: one SQLite file that
// takes every raw PDU before its slot on the SIM is emptied, and keeps it until
// the centre has it and the retention is over.
//
// It owns the file, its schema, the joining state of long SMS, the interim
// replies decided here, the journal of sends, the registry snapshot and a few
// words of gateway state. It knows nothing of modems, of what a text means or
// of the centre; callers pull from it and tell it what happened.
//
// Invariants:
//
//   - A call that returned nil is on the disk (WAL, synchronous=FULL). A call
//     that returned an error changed nothing; a context never cancels a commit,
//     it only ends the wait for one to begin.
//   - A PDU key is stored once; a message key is stored once; a message has at
//     most one interim reply.
//   - A raw PDU is only ever deleted by Prune, after every message that holds it
//     was delivered.
//   - One process at a time has the file (flock on FILE.lock).
//
// One goroutine writes. Whatever waits for it goes into one transaction, so
// many callers share one fsync; when a request of such a group fails, the group
// is rolled back and every request is run alone, so that only the bad one sees
// the error. Reads use connections of their own and never wait for the writer.
package spool
