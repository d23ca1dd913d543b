package gateway

// boundary names a place between two commits: a process that dies there leaves
// the most behind for the next one to find out.
type boundary string

// The boundaries, in the order of a message's life. A build with the tag
// failpoint can be told to die at each of them; any other passes them for
// nothing.
const (
	beforeKeep      boundary = "before-keep"    // read from the SIM, not in the spool
	afterKeep       boundary = "after-keep"     // in the spool, still on the SIM
	beforeJoin      boundary = "before-join"    // all parts are there
	afterJoin       boundary = "after-join"     // and are one message
	beforeIntake    boundary = "before-intake"  // offered to the centre
	afterIntake     boundary = "after-intake"   // committed there, not marked here
	afterMark       boundary = "after-mark"     // marked
	afterClaim      boundary = "after-claim"    // a reply is leased
	afterBegin      boundary = "after-begin"    // the spool knows that it may leave
	afterSend       boundary = "after-send"     // it has left, nobody knows
	afterClose      boundary = "after-close"    // the centre knows, the spool does not
	interimQueued   boundary = "interim-queued" // an interim answer is to be sent
	interimClaimed  boundary = "interim-claimed"
	interimSent     boundary = "interim-sent"   // it has left, the spool does not know
	noticeClaimed   boundary = "notice-claimed" // an alarm for the staff
	noticeSent      boundary = "notice-sent"    // it has left, the spool does not know
	snapshotFetched boundary = "snapshot-fetched"
)
