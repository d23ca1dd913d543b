// Package parser reads the text of one SMS into a Report: which ballot of
// which polling station (TPS) it claims to be about, its figures in the order
// of the paper form (C.HASIL), whether its typing check K holds and which
// relations between its rows do not.
//
// It owns the grammar of the protocol KT1, the ballot profile, the 8-digit
// TPS code, K, the canonical string, the authenticity code A and the
// derivation of its keys. It knows nothing of senders, registries, clocks or
// databases: it is pure and total. Every text, however broken, yields a Report;
// a bad SMS is data, not an error.
package parser
